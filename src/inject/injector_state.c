/* SPDX-License-Identifier: BSD-2-Clause */
/* Injections that are under way are part of the machine's state: what of them is saved. */
#include "inject/private.h"

#define NUMBER(which, member, max) RECORD_EACH_USED(struct injector, vcpus, which.member, max)
#define GPR(which, i)                                                        \
	{                                                                    \
		.name = #which ".gpr" #i,                                    \
		.offset = offsetof(struct injector, vcpus[0].which.gpr[i]),  \
		.stride = sizeof(struct vcpu_injections), .max = UINT64_MAX, \
		.count = ENGINE_MAX_VCPUS, .each = 1, .width = 8,            \
	}
#define GPRS(which, a, b, c, d) GPR(which, a), GPR(which, b), GPR(which, c), GPR(which, d)
#define LETTER(which, i)                                                                         \
	{                                                                                        \
		.name = #which ".process" #i,                                                    \
		.offset = offsetof(struct injector, vcpus[0].which.armed.trigger.process) + (i), \
		.stride = sizeof(struct vcpu_injections), .max = UINT8_MAX,                      \
		.count = ENGINE_MAX_VCPUS, .each = 1, .width = 1,                                \
	}
#define LETTERS(which, i) \
	LETTER(which, i), LETTER(which, i + 1), LETTER(which, i + 2), LETTER(which, i + 3)
/* A trigger's symbols are resolved. */
#define INJECTION(which)                                                                           \
	NUMBER(which, request.id, UINT64_MAX), NUMBER(which, request.vcpu, ENGINE_MAX_VCPUS - 1),  \
		NUMBER(which, request.system_reset, true),                                         \
		NUMBER(which, request.mc.error_type, UINT8_MAX),                                   \
		NUMBER(which, request.mc.error_subtype, UINT8_MAX),                                \
		NUMBER(which, request.mc.severity, UINT8_MAX),                                     \
		NUMBER(which, request.mc.disposition, UINT8_MAX),                                  \
		NUMBER(which, request.mc.initiator, UINT8_MAX),                                    \
		NUMBER(which, request.mc.unsafe_processor, true),                                  \
		NUMBER(which, request.mc.transient, true),                                         \
		NUMBER(which, request.mc.effective_address_valid, true),                           \
		NUMBER(which, request.mc.logical_address_valid, true),                             \
		NUMBER(which, request.mc.dar_valid, true),                                         \
		NUMBER(which, request.mc.effective_address, UINT64_MAX),                           \
		NUMBER(which, request.mc.logical_address, UINT64_MAX),                             \
		NUMBER(which, request.mc.srr1, UINT64_MAX),                                        \
		NUMBER(which, request.mc.dar, UINT64_MAX),                                         \
		NUMBER(which, request.mc.dsisr, UINT32_MAX),                                       \
		NUMBER(which, request.effective_address_is_nip, true),                             \
		NUMBER(which, request.group, UINT64_MAX),                                          \
		NUMBER(which, request.timeout_ms, UINT32_MAX),                                     \
		NUMBER(which, request.swapped_srr, true),                                          \
		NUMBER(which, request.repeat, INJECT_MAX_REPEAT),                                  \
		NUMBER(which, request.every, UINT64_MAX),                                          \
		NUMBER(which, report.number, INJECT_MAX_REPEAT),                                   \
		NUMBER(which, report.of, INJECT_MAX_REPEAT), NUMBER(which, report.id, UINT64_MAX), \
		NUMBER(which, report.vcpu, ENGINE_MAX_VCPUS - 1),                                  \
		NUMBER(which, report.stage, INJECTION_FAILED),                                     \
		NUMBER(which, report.system_reset, true), NUMBER(which, report.ceded, true),       \
		NUMBER(which, report.registered, true), NUMBER(which, report.interlocked, true),   \
		NUMBER(which, report.watched, true), NUMBER(which, report.returned, true),         \
		NUMBER(which, report.stopped, true), NUMBER(which, report.stale, true),            \
		NUMBER(which, report.nip, UINT64_MAX), NUMBER(which, report.msr, UINT64_MAX),      \
		NUMBER(which, report.handler, UINT64_MAX), NUMBER(which, report.r3, UINT64_MAX),   \
		NUMBER(which, report.log.valid, true),                                             \
		NUMBER(which, report.log.severity, UINT8_MAX),                                     \
		NUMBER(which, report.log.disposition, UINT8_MAX),                                  \
		NUMBER(which, report.log.initiator, UINT8_MAX),                                    \
		NUMBER(which, report.log.has_mc, true),                                            \
		NUMBER(which, report.log.mc.error_type, UINT8_MAX),                                \
		NUMBER(which, report.log.mc.error_subtype, UINT8_MAX),                             \
		NUMBER(which, report.log.mc.transient, true),                                      \
		NUMBER(which, report.log.mc.effective_address_valid, true),                        \
		NUMBER(which, report.log.mc.logical_address_valid, true),                          \
		NUMBER(which, report.log.mc.effective_address, UINT64_MAX),                        \
		NUMBER(which, report.log.mc.logical_address, UINT64_MAX),                          \
		NUMBER(which, report.no_handler, INJECTION_BYTE_ORDER),                            \
		NUMBER(which, report.srr1, UINT64_MAX), NUMBER(which, report.dar, UINT64_MAX),     \
		NUMBER(which, report.dsisr, UINT32_MAX),                                           \
		NUMBER(which, report.error_type, UINT8_MAX),                                       \
		NUMBER(which, report.error_subtype, UINT8_MAX),                                    \
		NUMBER(which, report.delivered_insns, UINT64_MAX),                                 \
		NUMBER(which, report.delivered_timebase, UINT64_MAX),                              \
		NUMBER(which, report.interlock_insns, UINT64_MAX),                                 \
		NUMBER(which, report.interlock_ticks, UINT64_MAX),                                 \
		NUMBER(which, report.return_insns, UINT64_MAX),                                    \
		NUMBER(which, report.return_ticks, UINT64_MAX),                                    \
		NUMBER(which, armed.trigger.point, TRIGGER_VECTOR),                                \
		NUMBER(which, armed.trigger.real_address, true),                                   \
		NUMBER(which, armed.trigger.one_place, true),                                      \
		NUMBER(which, armed.trigger.first.address, UINT64_MAX),                            \
		NUMBER(which, armed.trigger.first.local_entry, UINT64_MAX),                        \
		NUMBER(which, armed.trigger.last.address, UINT64_MAX),                             \
		NUMBER(which, armed.trigger.vector, UINT32_MAX),                                   \
		NUMBER(which, armed.trigger.from_insn, UINT64_MAX),                                \
		NUMBER(which, armed.trigger.count, UINT64_MAX),                                    \
		NUMBER(which, armed.trigger.after, UINT64_MAX),                                    \
		NUMBER(which, armed.trigger.within, UINT64_MAX),                                   \
		NUMBER(which, armed.trigger.context, INJECT_IDLE),                                 \
		NUMBER(which, armed.trigger.ri, TRIGGER_RI_ANY),                                   \
		NUMBER(which, armed.trigger.ri_given, true),                                       \
		NUMBER(which, armed.trigger.real_mode, true),                                      \
		NUMBER(which, armed.trigger.rtas, true),                                           \
		NUMBER(which, armed.trigger.translated, true),                                     \
		NUMBER(which, armed.trigger.fwnmi, TRIGGER_INTERLOCKED),                           \
		NUMBER(which, armed.trigger.has_pidr, true),                                       \
		NUMBER(which, armed.trigger.pidr, UINT32_MAX), LETTERS(which, 0),                  \
		LETTERS(which, 4), LETTERS(which, 8), LETTERS(which, 12),                          \
		NUMBER(which, armed.trigger.has_pid, true),                                        \
		NUMBER(which, armed.trigger.pid, UINT32_MAX),                                      \
		NUMBER(which, armed.trigger.cpus, TRIGGER_CPUS_OTHERS),                            \
		NUMBER(which, armed.trigger.cpu, UINT32_MAX), NUMBER(which, armed.step, ARMED_RI), \
		NUMBER(which, armed.hits_left, UINT64_MAX),                                        \
		NUMBER(which, armed.fire_at, UINT64_MAX),                                          \
		NUMBER(which, armed.give_up_at, UINT64_MAX), NUMBER(which, armed.was_true, true),  \
		NUMBER(which, armed.rejected, UINT64_MAX), NUMBER(which, watch_end, UINT64_MAX),   \
		NUMBER(which, step, true), GPRS(which, 0, 1, 2, 3), GPRS(which, 4, 5, 6, 7),       \
		GPRS(which, 8, 9, 10, 11), GPRS(which, 12, 13, 14, 15),                            \
		GPRS(which, 16, 17, 18, 19), GPRS(which, 20, 21, 22, 23),                          \
		GPRS(which, 24, 25, 26, 27), GPRS(which, 28, 29, 30, 31)

static const struct record_field fields[] = { INJECTION(last), INJECTION(outer) };

static bool injection_fits(const struct injection *in, unsigned vcpu)
{
	const struct trigger *t = &in->armed.trigger;

	if (in->report.vcpu != vcpu || t->last.address < t->first.address)
		return false;
	if (in->report.stage < INJECTION_PENDING || in->report.stage > INJECTION_WAITING)
		return true;
	return in->request.vcpu == vcpu &&
	       (in->request.system_reset || fwnmi_machine_check_validate(&in->request.mc) >= 0);
}

static bool fits(const void *loaded, const void *present)
{
	const struct injector *a = loaded;

	for (unsigned i = 0; i < a->nr_vcpus; i++)
		if (!injection_fits(&a->vcpus[i].last, i) || !injection_fits(&a->vcpus[i].outer, i))
			return false;
	return true;
}

static unsigned nr_vcpus(const void *state)
{
	return ((const struct injector *)state)->nr_vcpus;
}

const struct record_type injector_record = {
	.name = "injections",
	.size = sizeof(struct injector),
	.fields = fields,
	.nr_fields = sizeof(fields) / sizeof(fields[0]),
	.fits = fits,
	.used = nr_vcpus,
};
