/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any sequence of calls, of which a model (model.h) predicts each result: eight bytes of
 * configuration, then eight for each call. The first difference ends the program, after the
 * sequence has been printed.
 */
#include <stdarg.h>

#include "fuzz.h"
#include "model.h"

enum {
	RTAS_SIZE = 0x8000,
	ROUTINES = 4, /* places where the guest puts them, in CODE_WORDS */
};

struct play {
	const uint8_t *data;
	size_t size;
	bool loud; /* print each call */

	struct fwnmi *f;
	struct model *model;
	struct fwnmi_ops ops;
	uint32_t server_numbers[MODEL_CPUS];
	uint64_t random;

	/* What the library has asked for in this call. */
	bool kicked[MODEL_CPUS];
	unsigned repairs, repaired_cpu;
	struct fwnmi_machine_check repaired;
};

static void play_all(const uint8_t *data, size_t size, bool loud);

/* ---- differences ---- */

__attribute__((format(printf, 2, 3))) static void tell(const struct play *play, const char *format,
						       ...)
{
	va_list args;

	if (!play->loud)
		return;
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
}

static void compare(const struct play *play, const char *what, uint64_t predicted, uint64_t found)
{
	if (predicted == found)
		return;
	if (!play->loud)
		play_all(play->data, play->size, true);
	fprintf(stderr, "%s: predicted 0x%llx, found 0x%llx\n", what, (unsigned long long)predicted,
		(unsigned long long)found);
	abort();
}

static void compare_machine_checks(const struct play *play, const struct fwnmi_machine_check *a,
				   const struct fwnmi_machine_check *b)
{
	compare(play, "error_type", a->error_type, b->error_type);
	compare(play, "error_subtype", a->error_subtype, b->error_subtype);
	compare(play, "severity", a->severity, b->severity);
	compare(play, "disposition", a->disposition, b->disposition);
	compare(play, "initiator", a->initiator, b->initiator);
	compare(play, "unsafe_processor", a->unsafe_processor, b->unsafe_processor);
	compare(play, "transient", a->transient, b->transient);
	compare(play, "effective_address_valid", a->effective_address_valid,
		b->effective_address_valid);
	compare(play, "logical_address_valid", a->logical_address_valid, b->logical_address_valid);
	compare(play, "effective_address", a->effective_address, b->effective_address);
	compare(play, "logical_address", a->logical_address, b->logical_address);
	compare(play, "srr1", a->srr1, b->srr1);
	compare(play, "dsisr", a->dsisr, b->dsisr);
	compare(play, "dar_valid", a->dar_valid, b->dar_valid);
	compare(play, "dar", a->dar, b->dar);
}

static void compare_mc_section(const struct play *play, const struct model_log *log,
			       const struct fwnmi_mc_section *mc)
{
	compare(play, "log: processor", log->processor, mc->processor_id);
	compare(play, "log: type", log->mc.error_type, mc->error_type);
	compare(play, "log: subtype", log->mc.error_subtype, mc->error_subtype);
	compare(play, "log: transient", log->mc.transient, mc->transient);
	compare(play, "log: effective address valid", log->mc.effective_address_valid,
		mc->effective_address_valid);
	if (mc->effective_address_valid)
		compare(play, "log: effective address", log->mc.effective_address,
			mc->effective_address);
	compare(play, "log: logical address valid", log->mc.logical_address_valid,
		mc->logical_address_valid);
	if (mc->logical_address_valid)
		compare(play, "log: logical address", log->mc.logical_address, mc->logical_address);
}

/* @length bytes of a log that may be cut. */
static void compare_log(const struct play *play, const struct model_log *log, const uint8_t *bytes,
			unsigned length)
{
	struct fwnmi_errlog decoded;

	compare(play, "log: version", FWNMI_ERRLOG_VERSION, bytes[0]);
	compare(play, "log: severity", log->severity, bytes[1] >> 5);
	compare(play, "log: disposition", log->disposition, bytes[1] >> 3 & 3);
	compare(play, "log: initiator", log->mc.initiator, bytes[2] >> 4);
	compare(play, "log: type", FWNMI_EVENT_PLATFORM_ERROR, bytes[3]);
	if (length < LOG_FIXED)
		return;
	compare(play, "log: length", length,
		(uint64_t)fwnmi_errlog_decode(&decoded, bytes, length));
	compare(play, "log: extended", length > LOG_FIXED, decoded.has_extended);
	if (length > LOG_FIXED)
		compare(play, "log: id", log->id, decoded.main_a.platform_log_id);
	compare(play, "log: has MC", length == LOG_WITH_MC, decoded.has_mc);
	if (decoded.has_mc)
		compare_mc_section(play, log, &decoded.mc);
}

static void compare_regs(const struct play *play, const struct fwnmi_regs *a,
			 const struct fwnmi_regs *b)
{
	compare(play, "gpr3", a->gpr3, b->gpr3);
	compare(play, "srr0", a->srr0, b->srr0);
	compare(play, "srr1", a->srr1, b->srr1);
	compare(play, "msr", a->msr, b->msr);
	compare(play, "nip", a->nip, b->nip);
}

static uint64_t get_be64(const uint8_t *p)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < 8; i++)
		value = value << 8 | p[i];
	return value;
}

static void compare_write(const struct play *play, const struct prediction *p,
			  const struct fwnmi_outcome *found)
{
	compare(play, "write.address", p->outcome.write.address, found->write.address);
	compare(play, "write.length", p->outcome.write.length, found->write.length);
	if (found->write.length == 0)
		return;
	compare(play, "the saved R3", p->saved_r3, get_be64(found->write.bytes));
	if (p->log.length > 0)
		compare_log(play, &p->log, found->write.bytes + 8, found->write.length - 8);
	else
		compare(play, "the rest of the slot", 0, get_be64(found->write.bytes + 8));
}

static void compare_outcomes(const struct play *play, const struct prediction *p, int err,
			     const struct fwnmi_outcome *found)
{
	const struct fwnmi_outcome *predicted = &p->outcome;

	compare(play, "result", predicted->result, found->result);
	compare(play, "entry", predicted->entry, found->entry);
	compare_regs(play, &predicted->regs, &found->regs);
	compare(play, "dsisr_valid", predicted->dsisr_valid, found->dsisr_valid);
	compare(play, "dsisr", predicted->dsisr, found->dsisr);
	compare(play, "dar_valid", predicted->dar_valid, found->dar_valid);
	compare(play, "dar", predicted->dar, found->dar);
	compare(play, "end_reason", predicted->end_reason, found->end_reason);
	compare_write(play, p, found);
	if (err)
		return;
	compare(play, "vector", predicted->vector, found->vector);
	compare_machine_checks(play, &predicted->machine_check, &found->machine_check);
}

/* What a call returns, and what it asks of the host. */
static void compare_calls(struct play *play, const struct prediction *p, unsigned cpu, int result)
{
	compare(play, "returned", (uint64_t)p->result, (uint64_t)result);
	for (unsigned i = 0; i < play->model->config.nr_cpus; i++)
		if (p->kicked[i] != play->kicked[i]) {
			tell(play, "vCPU %u: ", i);
			compare(play, "kicked", p->kicked[i], play->kicked[i]);
		}
	compare(play, "repairs", p->repairs, play->repairs);
	if (play->repairs > 0) {
		compare(play, "repaired vCPU", cpu, play->repaired_cpu);
		compare_machine_checks(play, &p->repaired, &play->repaired);
	}
	memset(play->kicked, 0, sizeof(play->kicked));
	play->repairs = 0;
}

/* All that can be asked without changing anything. */
static void compare_answers(const struct play *play)
{
	const struct model *m = play->model;
	uint64_t system_reset, machine_check;

	compare(play, "fwnmi_owner()", (uint64_t)model_owner(m), (uint64_t)fwnmi_owner(play->f));
	for (unsigned cpu = 0; cpu <= m->config.nr_cpus; cpu++)
		if (model_may_run(m, cpu) != fwnmi_may_run(play->f, cpu)) {
			tell(play, "vCPU %u: ", cpu);
			compare(play, "fwnmi_may_run()", model_may_run(m, cpu),
				fwnmi_may_run(play->f, cpu));
		}
	compare(play, "fwnmi_registered()", m->registered,
		fwnmi_registered(play->f, &system_reset, &machine_check));
	compare(play, "system reset routine", m->registered ? m->system_reset.routine : 0,
		system_reset);
	compare(play, "machine check routine", m->registered ? m->machine_check.routine : 0,
		machine_check);
	compare(play, "fwnmi_log_id()", m->log_id, fwnmi_log_id(play->f));
	for (unsigned source = 0; source < 2; source++)
		for (uint32_t mask = 0xffffffff; mask != 0; mask = mask << 4 & 0xf0000000)
			compare(play, "fwnmi_events_pending()",
				model_events_pending(m, (enum fwnmi_event_source)source, mask),
				fwnmi_events_pending(play->f, (enum fwnmi_event_source)source,
						     mask));
}

/* ---- the host ---- */

static int read_memory(void *opaque, uint64_t address, void *buf, size_t len)
{
	const struct play *play = opaque;
	const struct model *m = play->model;
	uint8_t *to = buf;

	if (m->reads_fail || len > m->memory_size || address > m->memory_size - len)
		return -1;
	for (size_t i = 0; i < len; i++) {
		uint64_t offset = address + i - CODE_BASE;
		struct word word = { 0 };
		unsigned byte = (address + i) % 4;

		if (offset < 4 * CODE_WORDS)
			word = m->code[offset / 4];
		to[i] = (uint8_t)(model_insns[word.insn].value >>
				  8 * (word.little_endian ? byte : 3 - byte));
	}
	return 0;
}

static void kick(void *opaque, unsigned cpu)
{
	struct play *play = opaque;

	compare(play, "kick: fwnmi_owner()", (uint64_t)model_owner(play->model),
		(uint64_t)fwnmi_owner(play->f));
	compare(play, "kick: there is such a vCPU", true, cpu < play->model->config.nr_cpus);
	play->kicked[cpu] = true;
}

static int repair(void *opaque, unsigned cpu, const struct fwnmi_machine_check *mc)
{
	struct play *play = opaque;

	play->repairs++;
	play->repaired_cpu = cpu;
	play->repaired = *mc;
	return play->model->repairs_fail ? -1 : 0;
}

static struct fwnmi *create(struct play *play, const struct fwnmi_config *config)
{
	const size_t size = fwnmi_sizeof(config);
	struct fwnmi *f = malloc(size);

	require(f && fwnmi_init(f, size, &play->ops, play, config) == 0);
	return f;
}

/* ---- what the bytes of a call mean ---- */

/* SplitMix64 */
static uint64_t next_random(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static unsigned cpu_of(const struct play *play, const uint8_t *p)
{
	const unsigned nr_cpus = play->model->config.nr_cpus;

	if (p[1] >= 254)
		return p[1] == 254 ? nr_cpus : ~0u;
	return p[1] % nr_cpus;
}

/* Half of the time, the vCPU that matters most. */
static unsigned likely_cpu_of(const struct play *play, const uint8_t *p)
{
	int owner = model_owner(play->model);

	return p[2] & 1 && owner >= 0 ? (unsigned)owner : cpu_of(play, p);
}

static uint64_t routine_of(const struct play *play, uint8_t byte)
{
	static const uint64_t odd[] = { 0, 0x2000000, 0x1fffffc, 0x1002, 0x7ffc, UINT64_MAX - 3 };

	if (byte < 240)
		return CODE_BASE + 4 * (CODE_WORDS / ROUTINES) * (byte % ROUTINES);
	return byte % 7 == 6 ? play->model->memory_size - 8 : odd[byte % 7];
}

static struct fwnmi_machine_check any_machine_check(const uint8_t *p)
{
	return (struct fwnmi_machine_check){
		.error_type = p[3] & 7,
		.error_subtype = p[3] >> 3 & 7,
		.severity = p[4] & 7,
		.disposition = p[4] >> 3 & 3,
		.initiator = p[5] & 7,
		.unsafe_processor = p[5] >> 3 == 31,
		.transient = p[6] & 1,
		.effective_address_valid = p[6] & 2,
		.logical_address_valid = p[6] & 4,
	};
}

static struct fwnmi_machine_check likely_machine_check(const uint8_t *p)
{
	static const uint8_t likely[][4] = {
		{ FWNMI_MC_SLB, FWNMI_SLB_MULTIHIT, 3, 0 },
		{ FWNMI_MC_ERAT, FWNMI_ERAT_MULTIHIT, 3, 2 },
		{ FWNMI_MC_UE, FWNMI_UE_LOAD_STORE, 3, 2 },
		{ FWNMI_MC_TLB, FWNMI_TLB_PARITY, 2, 1 },
		{ FWNMI_MC_UNKNOWN, 0, 4, 2 },
		{ FWNMI_MC_D_CACHE, 0, 2, 0 },
		{ FWNMI_MC_SLB, FWNMI_SLB_PARITY, 3, 2 },
		{ FWNMI_MC_UE, FWNMI_UE_IFETCH, 4, 2 },
	};
	const uint8_t *which = likely[p[3] % 8];
	const bool is_ue = which[0] == FWNMI_MC_UE;

	return (struct fwnmi_machine_check){
		.error_type = which[0],
		.error_subtype = which[1],
		.severity = p[4] % 64 == 1 && is_ue ? FWNMI_SEVERITY_FATAL : which[2],
		.disposition = which[3],
		.initiator = p[5] % 7,
		.unsafe_processor = p[4] % 16 == 0,
		.transient = is_ue && p[6] & 1,
		.effective_address_valid = (is_ue || which[0] == FWNMI_MC_SLB) && p[6] & 2,
		.logical_address_valid = is_ue && p[6] & 4,
	};
}

static struct fwnmi_machine_check machine_check_of(struct play *play, const uint8_t *p)
{
	struct fwnmi_machine_check mc = p[2] < 224 ? likely_machine_check(p) : any_machine_check(p);

	mc.effective_address = next_random(&play->random);
	mc.logical_address = next_random(&play->random);
	mc.srr1 = next_random(&play->random);
	mc.dsisr = (uint32_t)next_random(&play->random);
	mc.dar_valid = p[7] & 1;
	mc.dar = next_random(&play->random);
	tell(play, "mc = { .error_type = %u, .error_subtype = %u, .severity = %u, ", mc.error_type,
	     mc.error_subtype, mc.severity);
	tell(play, ".disposition = %u, .initiator = %u%s%s, ... };\n", mc.disposition, mc.initiator,
	     mc.unsafe_processor ? ", .unsafe_processor = true" : "",
	     mc.transient ? ", .transient = true" : "");
	return mc;
}

/* Registers of code that the vCPU may have been running. */
static struct fwnmi_regs regs_of(struct play *play)
{
	struct fwnmi_regs regs;

	regs.gpr3 = next_random(&play->random);
	regs.srr0 = next_random(&play->random);
	regs.srr1 = next_random(&play->random);
	regs.msr = next_random(&play->random);
	regs.nip = next_random(&play->random);
	return regs;
}

/* ---- the calls ---- */

static void do_register(struct play *play, const uint8_t *p, bool page_7)
{
	const uint64_t system_reset = routine_of(play, p[2]);
	const uint64_t machine_check = routine_of(play, p[3]);
	const unsigned cpu = cpu_of(play, p);
	struct prediction prediction = { 0 };

	tell(play, "fwnmi_register%s(f, %u, 0x%llx, 0x%llx);\n", page_7 ? "2" : "", cpu,
	     (unsigned long long)system_reset, (unsigned long long)machine_check);
	model_register(play->model, cpu, system_reset, machine_check, page_7, &prediction);
	compare_calls(play, &prediction, cpu,
		      page_7 ? fwnmi_register2(play->f, cpu, system_reset, machine_check) :
			       fwnmi_register(play->f, cpu, system_reset, machine_check));
}

static void register_1(struct play *play, const uint8_t *p)
{
	do_register(play, p, false);
}

static void register_2(struct play *play, const uint8_t *p)
{
	do_register(play, p, true);
}

static void compare_event(struct play *play, const struct prediction *p, unsigned cpu, int err,
			  const struct fwnmi_outcome *outcome)
{
	compare_calls(play, p, cpu, err);
	compare_outcomes(play, p, err, outcome);
}

static void machine_check_on(struct play *play, unsigned cpu, const struct fwnmi_machine_check *mc)
{
	const struct fwnmi_regs regs = regs_of(play);
	struct prediction prediction = { 0 };
	struct fwnmi_outcome outcome;
	int err;

	tell(play, "fwnmi_machine_check(f, %u, &regs, &mc, &outcome);\n", cpu);
	model_machine_check(play->model, cpu, &regs, mc, &prediction);
	err = fwnmi_machine_check(play->f, cpu, &regs, mc, &outcome);
	compare_event(play, &prediction, cpu, err, &outcome);
}

static void machine_check(struct play *play, const uint8_t *p)
{
	const struct fwnmi_machine_check mc = machine_check_of(play, p);

	if (p[7] % 32 != 0)
		machine_check_on(play, cpu_of(play, p), &mc);
	else
		for (unsigned cpu = 0; cpu < play->model->config.nr_cpus; cpu++)
			machine_check_on(play, cpu, &mc);
}

static void system_reset(struct play *play, const uint8_t *p)
{
	const struct fwnmi_regs regs = regs_of(play);
	const unsigned cpu = likely_cpu_of(play, p);
	struct prediction prediction = { 0 };
	struct fwnmi_outcome outcome;
	int err;

	tell(play, "fwnmi_system_reset(f, %u, &regs, &outcome);\n", cpu);
	model_system_reset(play->model, cpu, &regs, &prediction);
	err = fwnmi_system_reset(play->f, cpu, &regs, &outcome);
	compare_event(play, &prediction, cpu, err, &outcome);
}

static void resume_cpu(struct play *play, unsigned cpu)
{
	const struct fwnmi_regs regs = regs_of(play);
	struct prediction prediction = { 0 };
	struct fwnmi_outcome outcome;
	int err;

	tell(play, "fwnmi_resume(f, %u, &regs, &outcome);\n", cpu);
	model_resume(play->model, cpu, &regs, &prediction);
	err = fwnmi_resume(play->f, cpu, &regs, &outcome);
	compare_event(play, &prediction, cpu, err, &outcome);
}

static void resume(struct play *play, const uint8_t *p)
{
	resume_cpu(play, likely_cpu_of(play, p));
}

static void signal_machine_check(struct play *play, const uint8_t *p)
{
	const struct fwnmi_machine_check mc = machine_check_of(play, p);
	const unsigned cpu = cpu_of(play, p);
	struct prediction prediction = { 0 };

	tell(play, "fwnmi_signal_machine_check(f, %u, &mc);\n", cpu);
	model_signal_machine_check(play->model, cpu, &mc, &prediction);
	compare_calls(play, &prediction, cpu, fwnmi_signal_machine_check(play->f, cpu, &mc));
}

static void signal_system_reset(struct play *play, const uint8_t *p)
{
	const int64_t nr_cpus = play->model->config.nr_cpus;
	const int64_t targets[] = { FWNMI_ALL,	    FWNMI_ALL_OTHERS, -3,
				    nr_cpus,	    p[3] % nr_cpus,   p[3] % nr_cpus,
				    p[3] % nr_cpus, INT64_MIN };
	const int64_t target = targets[p[2] % 8];
	const unsigned cpu = cpu_of(play, p);
	struct prediction prediction = { 0 };

	tell(play, "fwnmi_signal_system_reset(f, %u, %lld);\n", cpu, (long long)target);
	model_signal_system_reset(play->model, cpu, target, &prediction);
	compare_calls(play, &prediction, cpu, fwnmi_signal_system_reset(play->f, cpu, target));
}

static void interlock_cpu(struct play *play, unsigned cpu)
{
	struct prediction prediction = { 0 };

	tell(play, "fwnmi_interlock(f, %u);\n", cpu);
	model_interlock(play->model, cpu, &prediction);
	compare_calls(play, &prediction, cpu, fwnmi_interlock(play->f, cpu));
}

static void interlock(struct play *play, const uint8_t *p)
{
	unsigned times = play->model->nr_queued;

	if (p[7] % 16 != 0)
		interlock_cpu(play, likely_cpu_of(play, p));
	else /* serve all that wait */
		for (; times > 0 && !play->model->ended && model_owner(play->model) >= 0; times--) {
			resume_cpu(play, (unsigned)model_owner(play->model));
			interlock_cpu(play, (unsigned)model_owner(play->model));
		}
}

static void withdraw(struct play *play, const uint8_t *p)
{
	const unsigned cpu = likely_cpu_of(play, p);
	struct prediction prediction = { 0 };

	tell(play, "fwnmi_withdraw(f, %u);\n", cpu);
	model_withdraw(play->model, cpu, &prediction);
	compare_calls(play, &prediction, cpu, fwnmi_withdraw(play->f, cpu));
}

static void architected(struct play *play, const uint8_t *p)
{
	const struct fwnmi_machine_check mc = machine_check_of(play, p);
	const struct fwnmi_regs regs = regs_of(play);
	struct prediction prediction = { 0 };
	struct fwnmi_outcome outcome;
	const bool is_reset = p[7] & 2;
	int err;

	tell(play, "fwnmi_architected(f, &regs, %s, &outcome);\n", is_reset ? "NULL" : "&mc");
	model_architected(play->model, &regs, is_reset ? NULL : &mc, &prediction);
	err = fwnmi_architected(play->f, &regs, is_reset ? NULL : &mc, &outcome);
	compare_event(play, &prediction, 0, err, &outcome);
}

/* ---- logs ---- */

/* A log that is one too short or too long for its length, or of another version. */
enum flaw {
	NO_FLAW,
	TOO_SHORT,
	TOO_LONG,
	OLD_VERSION,
	NEW_VERSION,
};

static void make_log(struct model_event *event, uint8_t *bytes)
{
	event->head[0] = FWNMI_ERRLOG_VERSION;
	event->head[3] = FWNMI_EVENT_EPOW;
	if (event->length > LOG_FIXED) {
		event->head[1] |= 4; /* an extended part follows */
		event->head[6] = (uint8_t)((event->length - LOG_FIXED) >> 8);
		event->head[7] = (uint8_t)(event->length - LOG_FIXED);
	}
	memset(bytes, event->fill, event->length + 1);
	memcpy(bytes, event->head, LOG_FIXED);
}

static void queue_log(struct play *play, struct model_event *event, enum flaw flaw)
{
	static const int errors[] = { 0, FWNMI_ERR_TRUNCATED, FWNMI_ERR_BADSTRUCTURE,
				      FWNMI_ERR_BADVERSION, FWNMI_ERR_BADVERSION };
	const size_t length = event->length + (flaw == TOO_LONG) - (flaw == TOO_SHORT);
	uint8_t bytes[FWNMI_ERRLOG_MAX + 1], *copy;
	struct prediction prediction = { .result = errors[flaw] };

	make_log(event, bytes);
	bytes[0] = flaw == OLD_VERSION ? 5 : flaw == NEW_VERSION ? 7 : bytes[0];
	copy = exact(bytes, length);
	tell(play, "fwnmi_event_queue(f, %u, 0x%x, log, %zu);\n", event->source, event->event_class,
	     length);
	if (flaw == NO_FLAW)
		model_event_queue(play->model, event, &prediction);
	compare_calls(play, &prediction, 0,
		      fwnmi_event_queue(play->f, event->source, event->event_class, copy, length));
	free(copy);
}

static void event_queue(struct play *play, const uint8_t *p)
{
	static const unsigned lengths[] = { 8, 8, 24, 25, 216, 1000, 2047, 2048 };
	static const uint32_t classes[] = { 0x80000000, 0x40000000, 0x10000000, 0x08000000 };
	static const uint32_t bad_classes[] = { 0, 1, 0xc0000000, 0x20000000 };
	struct model_event event = {
		.event_class = p[1] < 248 ? classes[p[1] % 4] : bad_classes[p[1] % 4],
		.source = (enum fwnmi_event_source)(p[2] < 250 ? p[2] & 1 : p[2]),
		.length = lengths[p[4] % 8],
		.head = { [1] = (uint8_t)((p[3] % 7 << 5) | 2 << 3) },
		.fill = p[5],
	};
	const enum flaw flaw = p[6] < 240 ? NO_FLAW : (enum flaw)(p[6] % 5);
	const unsigned times = p[7] % 16 == 0 ? FWNMI_QUEUE_EVENTS : 1;

	/* A good log for a bad queue, or a bad log for a good queue. */
	if (flaw != NO_FLAW && (p[1] >= 248 || p[2] >= 250))
		return;
	for (unsigned i = 0; i < times; i++)
		queue_log(play, &event, flaw);
}

static void compare_fetched(const struct play *play, const struct prediction *p,
			    const uint8_t *found)
{
	uint8_t whole[FWNMI_ERRLOG_MAX + 1], cut[FWNMI_ERRLOG_MAX];
	struct model_event event = p->event;

	if (event.own) {
		compare_log(play, &event.log, found, (unsigned)p->result);
		return;
	}
	make_log(&event, whole);
	require(fwnmi_errlog_fit(whole, event.length, cut, (size_t)p->result) == p->result);
	for (int i = 0; i < p->result; i++)
		compare(play, "a byte of the log", cut[i], found[i]);
}

static void fetch(struct play *play, const uint8_t *p, enum fwnmi_event_source source)
{
	static const size_t sizes[] = { 0, 3, 4, 7, 8, 175, 176, 215, 216, 217, 1001, 2048 };
	static const uint32_t masks[] = { ~0u, ~0u, 0x80000000, 0x50000000, 0 };
	const size_t size = p[2] < 128 ? 2048 : sizes[p[2] % 12];
	const uint32_t mask = masks[p[3] % 5];
	const bool critical = p[4] % 8 == 0;
	struct prediction prediction = { 0 };
	uint8_t *buf = malloc(size + 1);
	int result;

	require(buf);
	tell(play, "fwnmi_%s(f, 0x%x, %d, buf, %zu);\n",
	     source == FWNMI_EVENT_SCAN ? "event_scan" : "check_exception", mask, critical, size);
	model_fetch(play->model, source, mask, critical, size, &prediction);
	result = source == FWNMI_EVENT_SCAN ?
			 fwnmi_event_scan(play->f, mask, critical, buf, size) :
			 fwnmi_check_exception(play->f, mask, critical, buf, size);
	compare_calls(play, &prediction, 0, result);
	if (result > 0)
		compare_fetched(play, &prediction, buf);
	free(buf);
}

static void event_scan(struct play *play, const uint8_t *p)
{
	fetch(play, p, FWNMI_EVENT_SCAN);
}

static void check_exception(struct play *play, const uint8_t *p)
{
	fetch(play, p, FWNMI_CHECK_EXCEPTION);
}

static void end_log(struct play *play, const uint8_t *p)
{
	const size_t size = p[2];
	struct prediction prediction = { 0 };
	uint8_t *buf = malloc(size + 1);
	int length;

	require(buf);
	tell(play, "fwnmi_end_log(f, buf, %zu);\n", size);
	model_end_log(play->model, size, &prediction);
	length = fwnmi_end_log(play->f, buf, size);
	compare_calls(play, &prediction, 0, length);
	if (length > 0)
		compare_log(play, &prediction.log, buf, (unsigned)length);
	free(buf);
}

/* ---- the partition, its memory and its state ---- */

static void reset(struct play *play, const uint8_t *p)
{
	/* A partition that has ended is of no more use. */
	if (!play->model->ended && p[2] % 4 != 0)
		return;
	tell(play, "fwnmi_reset(f);\n");
	model_reset(play->model);
	compare(play, "returned", 0, (uint64_t)fwnmi_reset(play->f));
}

static void set_endian(struct play *play, const uint8_t *p)
{
	tell(play, "fwnmi_set_interrupt_endian(f, %d);\n", p[2] & 1);
	play->model->little_endian = p[2] & 1;
	fwnmi_set_interrupt_endian(play->f, p[2] & 1);
}

static void store(struct play *play, const uint8_t *p)
{
	struct model *m = play->model;
	unsigned place = p[2] % CODE_WORDS;

	if (p[3] & 1) /* likelier to matter */
		place -= place % (CODE_WORDS / ROUTINES) - place % 4;
	m->code[place].insn = p[4] % MODEL_INSNS;
	m->code[place].little_endian = m->little_endian ^ (p[5] % 8 == 0);
	tell(play, "*(uint32_t *)0x%x = 0x%08x; /* %s-endian */\n", CODE_BASE + 4 * place,
	     model_insns[m->code[place].insn].value,
	     m->code[place].little_endian ? "little" : "big");
}

static void change_host(struct play *play, const uint8_t *p)
{
	play->model->reads_fail = p[2] % 8 == 0;
	play->model->repairs_fail = p[3] & 1;
	tell(play, "/* reads %s, repairs %s */\n", play->model->reads_fail ? "fail" : "succeed",
	     play->model->repairs_fail ? "fail" : "succeed");
}

static void handlers_stand(struct play *play, const uint8_t *p)
{
	(void)p;
	tell(play, "fwnmi_handlers_stand(f);\n");
	compare(play, "returned", model_handlers_stand(play->model), fwnmi_handlers_stand(play->f));
}

struct record {
	size_t length;
	uint8_t *bytes;
};

static struct record save(const struct play *play)
{
	struct record record = { .length = fwnmi_state_size(play->f) };

	record.bytes = malloc(record.length);
	require(record.bytes);
	compare(play, "fwnmi_save()", record.length,
		(uint64_t)fwnmi_save(play->f, record.bytes, record.length));
	return record;
}

static void compare_state(const struct play *play, const struct record *record)
{
	struct record now = save(play);

	compare(play, "length of the state", record->length, now.length);
	compare(play, "the state is the same", 0,
		(uint64_t)memcmp(record->bytes, now.bytes, now.length));
	free(now.bytes);
}

static void load_with_other_policies(struct play *play, const struct record *record,
				     const uint8_t *p)
{
	struct fwnmi_config config = play->model->config;

	if (p[3] & 1) {
		config.strict = p[4] & 1;
		config.stale_handler = (enum fwnmi_stale_policy)(p[5] % 3);
		config.nested_machine_check = (enum fwnmi_nested_policy)(p[6] & 1);
	}
	tell(play, "fwnmi_save(f, ...); fwnmi_init(f, { .strict = %d, .stale_handler = %d, ",
	     config.strict, config.stale_handler);
	tell(play, ".nested_machine_check = %d, ... }); fwnmi_load(f, ...);\n",
	     config.nested_machine_check);
	free(play->f);
	play->f = create(play, &config);
	model_load(play->model, &config);
	compare(play, "returned", 0, (uint64_t)fwnmi_load(play->f, record->bytes, record->length));
}

/* A record that is damaged, or of another partition, changes nothing. */
static void load_bad(struct play *play, const struct record *record, const uint8_t *p)
{
	struct fwnmi_config config = play->model->config;
	uint8_t *bytes = exact(record->bytes, record->length);
	struct fwnmi *other;

	tell(play, "/* fwnmi_save() to less, fwnmi_load() of bad records */\n");
	compare(play, "save to less", (uint64_t)FWNMI_ERR_NOSPACE,
		(uint64_t)fwnmi_save(play->f, bytes, record->length - 1));
	compare(play, "load less", (uint64_t)FWNMI_ERR_TRUNCATED,
		(uint64_t)fwnmi_load(play->f, bytes, record->length - 1));
	bytes[16 + ((size_t)p[4] << 8 | p[5]) % (record->length - 16)] ^= (uint8_t)(1 << p[6] % 8);
	compare(play, "load damaged", (uint64_t)FWNMI_ERR_BADRECORD,
		(uint64_t)fwnmi_load(play->f, bytes, record->length));
	config.nr_cpus += config.nr_cpus < 2 ? 1u : -1u;
	other = create(play, &config);
	compare(play, "load another's", (uint64_t)FWNMI_ERR_MISMATCH,
		(uint64_t)fwnmi_load(other, record->bytes, record->length));
	free(other);
	free(bytes);
}

static void save_and_load(struct play *play, const uint8_t *p)
{
	struct record record = save(play);

	if (p[2] % 4 == 0)
		load_bad(play, &record, p);
	else
		load_with_other_policies(play, &record, p);
	compare_state(play, &record);
	free(record.bytes);
	/* Kicks are not saved. */
	for (unsigned cpu = 0; p[2] % 4 == 1 && cpu < play->model->config.nr_cpus; cpu++)
		resume_cpu(play, cpu);
}

/* ---- the sequence ---- */

static void make_call(struct play *play, const uint8_t *p)
{
	/* One that comes more often stands here more often. */
	static void (*const calls[])(struct play * play, const uint8_t *p) = {
		register_1,
		machine_check,
		machine_check,
		machine_check,
		machine_check,
		machine_check,
		system_reset,
		system_reset,
		register_1,
		interlock,
		interlock,
		interlock,
		interlock,
		resume,
		resume,
		resume,
		resume,
		resume,
		signal_machine_check,
		signal_machine_check,
		register_2,
		withdraw,
		signal_system_reset,
		signal_system_reset,
		event_queue,
		event_scan,
		check_exception,
		end_log,
		save_and_load,
		set_endian,
		store,
		store,
		change_host,
		architected,
		handlers_stand,
		reset,
	};

	calls[p[0] % (sizeof(calls) / sizeof(calls[0]))](play, p);
	compare_answers(play);
}

static struct fwnmi_config config_of(struct play *play, const uint8_t *p)
{
	static const unsigned nr_cpus[] = { 4, 1, 2, 3, 4, 5, 8, 65, 140, 254 };
	static const uint32_t buffers[] = { 0, 0, 224, 240, 1024, 2064 };
	static const uint64_t bases[] = { FWNMI_PAGE_7, 0x1fff0000, 1ull << 44, ~0xffffull };

	for (unsigned cpu = 0; cpu < MODEL_CPUS; cpu++)
		play->server_numbers[cpu] = 0x1000 + 8 * cpu;
	return (struct fwnmi_config){
		.nr_cpus = nr_cpus[p[0] % (sizeof(nr_cpus) / sizeof(nr_cpus[0]))],
		.server_numbers = p[1] & 1 ? play->server_numbers : NULL,
		.rtas_base = bases[p[2] % 4],
		.rtas_size = RTAS_SIZE,
		.save_area_offset = p[2] & 4 ? 0x100 : 0,
		.mc_buffer_size = buffers[p[3] % 6],
		.strict = p[4] % 4 == 0,
		.interrupts_little_endian = p[1] & 2,
		.stale_handler = (enum fwnmi_stale_policy)(p[5] % 3),
		.nested_machine_check = (enum fwnmi_nested_policy)(p[6] & 1),
	};
}

static void begin(struct play *play, const uint8_t *p)
{
	static const uint64_t memory_sizes[] = {
		64 << 20, 64 << 20, 0x8000, 0x7ffc, 0x7000, 0x1040
	};
	const struct fwnmi_config config = config_of(play, p);
	struct model *m = play->model;

	play->random = p[7];
	model_init(m, &config, memory_sizes[p[7] % 6]);
	m->can_repair = p[6] & 2;
	for (unsigned i = 0; i < CODE_WORDS; i++) {
		m->code[i].insn = (uint8_t)(next_random(&play->random) % MODEL_INSNS);
		m->code[i].little_endian = m->little_endian;
	}
	play->ops = (struct fwnmi_ops){
		.read_memory = read_memory,
		.kick = kick,
		.repair = m->can_repair ? repair : NULL,
	};
	tell(play, "fwnmi_init(f, { .nr_cpus = %u, .strict = %d, .stale_handler = %d, ",
	     config.nr_cpus, config.strict, config.stale_handler);
	tell(play, ".nested_machine_check = %d, .interrupts_little_endian = %d, ... });\n",
	     config.nested_machine_check, config.interrupts_little_endian);
	play->f = create(play, &config);
	compare_answers(play);
}

static void play_all(const uint8_t *data, size_t size, bool loud)
{
	struct play *play = calloc(1, sizeof(*play));

	require(play);
	play->model = malloc(sizeof(*play->model));
	require(play->model);
	play->data = data;
	play->size = size;
	play->loud = loud;
	begin(play, data);
	for (size_t i = 8; i + 8 <= size; i += 8)
		make_call(play, data + i);
	free(play->f);
	free(play->model);
	free(play);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size >= 8)
		play_all(data, size, false);
	return 0;
}
