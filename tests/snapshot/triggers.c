/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Triggers against a trace. One machine is stopped before each of many instructions, and what it
 * sees there is the oracle: which vCPU, NIP, MSR, what the instruction loads or stores. Others run
 * from the same start with a trigger armed; each must deliver before exactly the instruction that
 * the trace says, and a trigger that never comes true must change nothing. Speaks TAP.
 *
 * usage: triggers [-smp N] [-m MiB] [-cpu NAME] [-initrd FILE] [-append ARGS] KERNEL
 *	  triggers -nested on KERNEL	of a kernel that asks for a machine check by a line @inject
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/engine.h"
#include "inject/injector.h"
#include "machine/machine.h"

#include "machine_options.h"

#define TRACED	  6000 /* instructions */
#define REAL_BITS ((uint64_t)-1 >> 4) /* of an effective address, in real mode */

/* A vCPU before an instruction. */
struct entry {
	unsigned vcpu;
	uint64_t insns; /* of the machine */
	uint64_t vcpu_insns;
	uint64_t nip, msr;
	uint64_t ea;
	unsigned size; /* 0: no load or store that we know */
	bool write;
};

struct run {
	struct machine *machine;
	struct injector *injector;
	struct injection_report report;
	uint64_t delivered_at; /* instructions of the machine; UINT64_MAX: never */
};

static struct entry trace[TRACED];
static unsigned nr_traced;
static bool nested;
static uint64_t start_at, end_at; /* where the trace begins; where the guest ends */
static struct injection_report outer; /* a nested run: of its machine check, as last told */

/* ---- machines ---- */

static void on_event(void *opaque, const struct machine_event *event)
{
	struct run *run = opaque;
	const struct injection_report *report = injector_explains(run->injector, event);

	if (!report || outer.stage != INJECTION_NONE || report->stage < INJECTION_DELIVERED ||
	    run->delivered_at != UINT64_MAX)
		return;
	run->report = *report;
	run->delivered_at = event->insns;
	machine_quit(run->machine);
}

static void on_end(void *opaque, const struct injection_report *report)
{
	struct run *run = opaque;

	if (run->delivered_at == UINT64_MAX)
		run->report = *report;
}

static void swallow(void *opaque, const void *buf, unsigned len)
{
}

static void start(struct run *run)
{
	const struct machine_client client = { .event = on_event, .opaque = run };
	const struct injector_listener listener = { on_end, run };
	char err[256];

	*run = (struct run){ .delivered_at = UINT64_MAX };
	run->machine = machine_create(&config, err, sizeof(err));
	if (!run->machine)
		die("cannot create the machine", err);
	run->injector = injector_create(run->machine, err, sizeof(err));
	if (!run->injector)
		die("cannot create the injector", err);
	injector_listen(run->injector, &listener);
	machine_add_client(run->machine, &client);
	machine_set_console(run->machine, swallow, NULL, NULL);
}

static void stop(struct run *run)
{
	injector_destroy(run->injector);
	machine_destroy(run->machine);
}

static bool run_to(struct run *run, uint64_t insns)
{
	char why[256];

	machine_stop_at(run->machine, insns);
	return machine_run(run->machine, why, sizeof(why)) == MACHINE_STOPPED;
}

static void arm(struct run *run, unsigned vcpu, const char *text)
{
	struct injection_request request = {
		.vcpu = vcpu,
		.mc = { .error_type = FWNMI_MC_SLB,
			.error_subtype = FWNMI_SLB_MULTIHIT,
			.severity = FWNMI_SEVERITY_ERROR_SYNC },
		.effective_address_is_nip = true,
		.timeout_ms = INJECT_NO_TIMEOUT,
	};
	char err[256];

	if (!trigger_parse(text, &request.trigger, err, sizeof(err)) ||
	    !injector_add(run->injector, &request, err, sizeof(err)))
		die(text, err);
}

/* ---- the trace ---- */

/* D- and DS-form loads and stores: that is enough of them. */
static void decode_access(uint32_t insn, const struct engine_regs *regs, struct entry *e)
{
	static const struct {
		unsigned opcode, size;
		bool write;
	} forms[] = { { 32, 4, false }, { 34, 1, false }, { 36, 4, true },  { 38, 1, true },
		      { 40, 2, false }, { 44, 2, true },  { 58, 8, false }, { 62, 8, true } };
	const unsigned ra = insn >> 16 & 31;

	for (unsigned i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		bool ds = forms[i].size == 8;

		/* The form with update is the next opcode, or bit 31 of the DS-form. */
		if ((insn >> 26 != forms[i].opcode && (ds || insn >> 26 != forms[i].opcode + 1)) ||
		    (ds && (insn & 3) > 1))
			continue;
		e->ea = (ra ? regs->gpr[ra] : 0) +
			(uint64_t)(int64_t)(int16_t)(insn & (ds ? ~3u : ~0u));
		e->size = forms[i].size;
		e->write = forms[i].write;
	}
}

/* What is executed next is known afterwards: it is the vCPU that has advanced. */
static void take_trace(void)
{
	struct engine_regs regs[ENGINE_MAX_VCPUS];
	uint64_t insns[ENGINE_MAX_VCPUS];
	struct run run;
	bool going;

	start(&run);
	run_to(&run, ENGINE_NO_STOP);
	end_at = machine_insns(run.machine);
	stop(&run);
	start_at = end_at / 3;
	start(&run);
	going = run_to(&run, start_at);
	while (going && nr_traced < TRACED) {
		struct entry *e = &trace[nr_traced];

		e->insns = machine_insns(run.machine);
		for (unsigned i = 0; i < config.nr_vcpus; i++) {
			machine_get_regs(run.machine, i, &regs[i]);
			insns[i] = machine_vcpu_insns(run.machine, i);
		}
		going = run_to(&run, e->insns + 1);
		for (unsigned i = 0; i < config.nr_vcpus; i++) {
			uint8_t bytes[4];

			if (machine_vcpu_insns(run.machine, i) == insns[i])
				continue;
			e->vcpu = i;
			e->vcpu_insns = insns[i];
			e->nip = regs[i].nip;
			e->msr = regs[i].msr;
			if (!memory_peek(machine_memory(run.machine), e->nip & 0xfffffff, bytes, 4))
				continue;
			decode_access(regs[i].msr & MSR_LE ?
					      (uint32_t)bytes[3] << 24 | bytes[2] << 16 |
						      bytes[1] << 8 | bytes[0] :
					      (uint32_t)bytes[0] << 24 | bytes[1] << 16 |
						      bytes[2] << 8 | bytes[3],
				      &regs[i], e);
		}
		nr_traced++;
	}
	stop(&run);
	printf("# %u instructions traced from %" PRIu64 " of %" PRIu64 "\n", nr_traced, start_at,
	       end_at);
}

/* ---- exactness ---- */

/* Run with the trigger armed at the start of the trace, to where the guest ends without it. */
static void run_armed(struct run *run, unsigned vcpu, const char *text)
{
	char why[256];

	start(run);
	run_to(run, start_at);
	arm(run, vcpu, text);
	machine_stop_at(run->machine, end_at);
	machine_run(run->machine, why, sizeof(why));
}

/* Is it delivered before @expected? */
static bool delivers_at(const char *text, const struct entry *expected)
{
	struct run run;
	bool good;

	run_armed(&run, expected->vcpu, text);
	good = run.delivered_at == expected->insns && run.report.nip == expected->nip &&
	       run.report.msr == expected->msr &&
	       run.report.delivered_insns == expected->vcpu_insns;
	if (!good)
		printf("# %s, vCPU %u: delivered at instruction %" PRId64 ", NIP 0x%" PRIx64
		       ", not %" PRIu64 ", 0x%" PRIx64 " %s\n",
		       text, expected->vcpu, (int64_t)run.delivered_at, run.report.nip,
		       expected->insns, expected->nip, run.report.reason);
	stop(&run);
	return good;
}

static unsigned count_before(const struct entry *e,
			     bool (*same)(const struct entry *, const struct entry *))
{
	unsigned count = 1;

	for (const struct entry *t = trace; t < e; t++)
		count += same(t, e);
	return count;
}

static bool at_same_place(const struct entry *a, const struct entry *b)
{
	return a->vcpu == b->vcpu && a->nip == b->nip;
}

static void instruction_counts_are_exact(void)
{
	bool good = true;
	char text[80];

	for (unsigned i = 0; i < nr_traced; i += nr_traced / 41 + 1) {
		snprintf(text, sizeof(text), "insn=%" PRIu64 " ri=any", trace[i].insns);
		good &= delivers_at(text, &trace[i]);
		snprintf(text, sizeof(text), "after=%" PRIu64 ",ri=any", trace[i].vcpu_insns);
		for (unsigned k = 0; k < i; k++)
			if (trace[k].vcpu == trace[i].vcpu) {
				snprintf(text, sizeof(text), "after=%" PRIu64 ",ri=any",
					 trace[i].vcpu_insns - trace[k].vcpu_insns);
				good &= delivers_at(text, &trace[i]);
				break;
			}
	}
	ok(good, __func__);
}

static void addresses_are_exact_the_kth_time(void)
{
	bool good = true;
	char text[80];

	for (unsigned i = 0; i < nr_traced; i += nr_traced / 53 + 1) {
		snprintf(text, sizeof(text), "0x%" PRIx64 " count=%u ri=any", trace[i].nip,
			 count_before(&trace[i], at_same_place));
		good &= delivers_at(text, &trace[i]);
	}
	ok(good, __func__);
}

static void a_count_of_instructions_follows_a_place(void)
{
	bool good = true;
	char text[80];

	for (unsigned i = 0; i + 40 < nr_traced; i += nr_traced / 23 + 1) {
		const struct entry *e = &trace[i + 37];

		if (e->vcpu != trace[i].vcpu || e->vcpu_insns != trace[i].vcpu_insns + 37)
			continue;
		snprintf(text, sizeof(text), "address=0x%" PRIx64 ",count=%u,after=37,ri=any",
			 trace[i].nip, count_before(&trace[i], at_same_place));
		good &= delivers_at(text, e);
	}
	ok(good, __func__);
}

static bool overlaps(const struct entry *a, const struct entry *b)
{
	return a->vcpu == b->vcpu && a->write == b->write && a->size && a->ea < b->ea + b->size &&
	       b->ea < a->ea + a->size;
}

/*
 * Accesses that are not decoded here may come in between: delivered at the place, or earlier, and
 * then, if @unknown_only, not at an access that is decoded.
 */
static bool stops_before(const char *text, const struct entry *e, bool unknown_only,
			 unsigned *exact)
{
	struct run run;
	bool good;

	run_armed(&run, e->vcpu, text);
	*exact += run.delivered_at == e->insns && run.report.nip == e->nip;
	good = run.delivered_at <= e->insns;
	if (good && run.delivered_at < e->insns && unknown_only)
		good = !trace[run.delivered_at - start_at].size;
	if (!good)
		printf("# %s: instruction %" PRId64 ", not %" PRIu64 "\n", text,
		       (int64_t)run.delivered_at, e->insns);
	stop(&run);
	return good;
}

static void accesses_stop_before_the_instruction(void)
{
	unsigned tried = 0, exact = 0;
	bool good = true;

	for (unsigned i = 0; i < nr_traced && tried < 40; i++) {
		const struct entry *e = &trace[i];
		char text[120];

		if (!e->size || count_before(e, overlaps) != 1)
			continue;
		tried++;
		snprintf(text, sizeof(text), "%s=0x%" PRIx64 "..0x%" PRIx64 " ri=any",
			 e->write ? "write" : "read", e->ea, e->ea + e->size - 1);
		good &= stops_before(text, e, true, &exact);
	}
	printf("# %u of %u at the instruction\n", exact, tried);
	ok(good && exact, __func__);
}

static const struct mode {
	const char *text;
	uint64_t mask, value;
} modes[] = {
	{ "user ri=any", MSR_PR, MSR_PR },
	{ "kernel ri=any", MSR_PR, 0 },
	{ "ri=0", MSR_RI, 0 },
	{ "ri=1", MSR_RI, MSR_RI },
	{ "real ri=any", MSR_IR | MSR_DR, 0 },
	{ "kernel ri=0", MSR_PR | MSR_RI, 0 },
};

static bool in_mode(const struct entry *e, const struct mode *mode)
{
	return (e->msr & mode->mask) == mode->value;
}

/* The first instruction of the vCPU in a mode that is not the one it begins in. */
static void contexts_are_entered_at_the_instruction(void)
{
	unsigned tried = 0;
	bool good = true;

	for (unsigned m = 0; m < sizeof(modes) / sizeof(modes[0]); m++)
		for (unsigned vcpu = 0; vcpu < config.nr_vcpus; vcpu++)
			for (unsigned i = 0; i < nr_traced; i++) {
				if (trace[i].vcpu != vcpu || !in_mode(&trace[i], &modes[m]))
					continue;
				tried++;
				good &= delivers_at(modes[m].text, &trace[i]);
				break;
			}
	printf("# %u modes\n", tried);
	ok(good && tried, __func__);
}

/* How often the vCPU has entered the state by then, that it begins in included. */
static unsigned entries_before(unsigned last, const struct mode *mode)
{
	unsigned count = 0;
	bool was = false;

	for (unsigned i = 0; i <= last; i++) {
		if (trace[i].vcpu != trace[last].vcpu)
			continue;
		count += !was && in_mode(&trace[i], mode);
		was = in_mode(&trace[i], mode);
	}
	return count;
}

/* The k-th time that the vCPU comes to a state, also where an interrupt leads to it. */
static void states_are_entered_at_the_instruction_the_kth_time(void)
{
	unsigned tried = 0;
	bool good = true;
	char text[80];

	for (unsigned m = 0; m < sizeof(modes) / sizeof(modes[0]); m++)
		for (unsigned k = 1, i = 0; i < nr_traced && k < 6; i++) {
			const struct mode *mode = &modes[m];

			if (trace[i].vcpu || !in_mode(&trace[i], mode) ||
			    entries_before(i, mode) != k)
				continue;
			snprintf(text, sizeof(text), "%s count=%u", mode->text, k++);
			good &= delivers_at(text, &trace[i]);
			tried++;
		}
	printf("# %u entries\n", tried);
	ok(good, __func__);
}

/* The vCPU is at a vector after an instruction that does not lead there. */
static void vectors_are_exact(void)
{
	unsigned tried = 0;
	bool good = true;
	char text[80];

	for (unsigned i = 0; i < nr_traced && tried < 20; i++) {
		const struct entry *e = &trace[i];

		if (e->nip < 0x300 || e->nip > 0xf00 || e->nip % 0x80 || e->msr & MSR_PR)
			continue;
		tried++;
		snprintf(text, sizeof(text), "vector=0x%" PRIx64 " count=%u", e->nip,
			 count_before(e, at_same_place));
		good &= delivers_at(text, e);
	}
	printf("# %u vectors\n", tried);
	ok(good, __func__);
}

static bool real_fetch(const struct entry *a, const struct entry *b)
{
	return at_same_place(a, b) && !(a->msr & MSR_IR);
}

/* Others fetch there through a translation that the trace does not know: the first time counts. */
static void real_fetches_are_exact(void)
{
	unsigned tried = 0;
	bool good = true;
	char text[80];

	for (unsigned i = 0; i < nr_traced && tried < 40; i += 7) {
		const struct entry *e = &trace[i];

		if (e->msr & MSR_IR || count_before(e, real_fetch) != 1)
			continue;
		tried++;
		snprintf(text, sizeof(text), "fetch-real=0x%" PRIx64 " real ri=any",
			 e->nip & REAL_BITS);
		good &= delivers_at(text, e);
	}
	printf("# %u real fetches\n", tried);
	ok(good, __func__);
}

static void real_accesses_stop_before_the_instruction(void)
{
	unsigned tried = 0, exact = 0;
	bool good = true;

	for (unsigned i = 0; i < nr_traced && tried < 40; i++) {
		const struct entry *e = &trace[i];
		char text[120];

		if (!e->size || e->msr & MSR_DR || count_before(e, overlaps) != 1)
			continue;
		tried++;
		snprintf(text, sizeof(text), "%s-real=0x%" PRIx64 "..0x%" PRIx64 " ri=any",
			 e->write ? "write" : "read", e->ea & REAL_BITS,
			 (e->ea & REAL_BITS) + e->size - 1);
		good &= stops_before(text, e, false, &exact);
	}
	printf("# %u of %u at the instruction\n", exact, tried);
	ok(good && (exact || !tried), __func__);
}

/* ---- a trigger that never comes true ---- */

static bool ends_alike(const char *text, const void *state, size_t state_size)
{
	uint64_t got;
	size_t size;
	struct run run;
	char err[256];
	void *mine;
	bool good;

	start(&run);
	run_to(&run, start_at);
	arm(&run, 0, text);
	run_to(&run, ENGINE_NO_STOP);
	got = machine_insns(run.machine);
	injector_forget(run.injector);
	mine = machine_save(run.machine, &size, err, sizeof(err));
	good = got == end_at && mine && size == state_size && !memcmp(mine, state, size);
	if (!good)
		printf("# %s: ends at %" PRIu64 ", not %" PRIu64 "\n", text, got, end_at);
	free(mine);
	stop(&run);
	return good;
}

static void a_trigger_that_never_comes_true_changes_nothing(void)
{
	const struct entry *e = &trace[nr_traced / 2], *access = trace;
	char texts[13][120], err[256];
	struct run run;
	bool good = true;
	size_t size;
	void *state;

	while (access < trace + nr_traced - 1 && !access->size)
		access++;
	start(&run);
	run_to(&run, ENGINE_NO_STOP);
	state = machine_save(run.machine, &size, err, sizeof(err));
	stop(&run);
	snprintf(texts[0], sizeof(texts[0]), "insn=1000000000000");
	snprintf(texts[1], sizeof(texts[1]), "0x%" PRIx64 " count=1000000000", e->nip);
	snprintf(texts[2], sizeof(texts[2]), "fetch-real=0..0xfffff count=1000000000");
	snprintf(texts[3], sizeof(texts[3]), "access=0x%" PRIx64 " count=1000000000", access->ea);
	snprintf(texts[4], sizeof(texts[4]), "access-real=0..0xffffff count=1000000000");
	snprintf(texts[5], sizeof(texts[5]), "vector=0x900 count=1000000000");
	snprintf(texts[6], sizeof(texts[6]), "user count=1000000000");
	snprintf(texts[7], sizeof(texts[7]), "rtas count=1000000000");
	snprintf(texts[8], sizeof(texts[8]), "insn=1000000000000 within=%" PRIu64,
		 (end_at - start_at) / 2);
	snprintf(texts[9], sizeof(texts[9]), "kernel ri=0 count=1000000000");
	snprintf(texts[10], sizeof(texts[10]), "real ri=any count=1000000000");
	snprintf(texts[11], sizeof(texts[11]), "pidr=123456 ri=any");
	snprintf(texts[12], sizeof(texts[12]), "handler ri=any");
	for (unsigned i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		good &= ends_alike(texts[i], state, size);
	free(state);
	ok(good, __func__);
}

/* ---- bounds, groups ---- */

static void a_bound_withdraws_it_at_the_instruction(void)
{
	struct run run;
	bool good;

	start(&run);
	run_to(&run, start_at);
	arm(&run, 0, "insn=1000000000000 within=1000");
	run_to(&run, start_at + 999);
	good = run.report.stage == INJECTION_NONE;
	run_to(&run, start_at + 1001);
	good &= run.report.stage == INJECTION_FAILED && strstr(run.report.reason, "bound");
	stop(&run);
	ok(good, __func__);
}

/* ---- inside another event's handler ---- */

static void on_outer(void *opaque, const struct machine_event *event)
{
	struct run *run = opaque;
	const struct injection_report *report = injector_explains(run->injector, event);

	if (report && !report->system_reset)
		outer = *report;
	if (report && outer.stage == INJECTION_DELIVERED && run->delivered_at == UINT64_MAX)
		machine_stop_at(run->machine, event->insns + 1);
	if (report && report->system_reset) {
		run->report = *report;
		run->delivered_at = event->insns;
		machine_quit(run->machine);
	}
}

/* The guest asks for its first machine check, and waits for it. */
static void arm_when_asked(void *opaque, const void *buf, unsigned len)
{
	/* It comes a few characters at a time. */
	for (unsigned i = 0; outer.stage == INJECTION_NONE && i < len; i++) {
		if (((const char *)buf)[i] != '@')
			continue;
		outer.stage = INJECTION_PENDING;
		arm(opaque, 0, "ri=1 after=20000");
	}
}

/* Stop one instruction after the delivery of a machine check, then arm a system reset. */
static void run_nested(struct run *run, const char *text)
{
	const struct machine_client client = { .event = on_outer, .opaque = run };
	struct injection_request request = { .system_reset = true,
					     .timeout_ms = INJECT_NO_TIMEOUT };
	char err[256];

	outer = (struct injection_report){ .stage = INJECTION_NONE };
	start(run);
	machine_add_client(run->machine, &client);
	machine_set_console(run->machine, arm_when_asked, NULL, run);
	if (!run_to(run, 50000000))
		die("no machine check", outer.reason[0] ? outer.reason : "it was not delivered");
	if (!trigger_parse(text, &request.trigger, err, sizeof(err)) ||
	    !injector_add(run->injector, &request, err, sizeof(err)))
		die(text, err);
	run_to(run, machine_insns(run->machine) + 1000000);
}

static void a_handler_is_entered_at_its_first_instruction(void)
{
	struct run run;

	run_nested(&run, "handler ri=any after=4");
	ok(run.report.handler && run.report.delivered_insns == outer.delivered_insns + 5, __func__);
	stop(&run);
}

static void after_the_interlock_it_is_no_handler_any_more(void)
{
	struct run run;

	run_nested(&run, "interlocked ri=any");
	ok(run.report.handler && outer.interlocked &&
		   run.report.delivered_insns == outer.delivered_insns + outer.interlock_insns,
	   __func__);
	printf("# %" PRIu64 " after delivery, interlock after %" PRIu64 "\n",
	       run.report.delivered_insns - outer.delivered_insns, outer.interlock_insns);
	stop(&run);
}

static void rtas_is_entered_at_its_entry_point(void)
{
	uint64_t first, last;
	struct run run;

	run_nested(&run, "rtas ri=any");
	papr_rtas_code(machine_papr(run.machine), &first, &last);
	ok(run.report.handler && run.report.nip == first && !outer.interlocked, __func__);
	stop(&run);
	run_nested(&run, "rtas ri=any count=3");
	ok(run.report.handler && run.report.nip == first + 8,
	   "rtas_has_one_chance_per_instruction");
	stop(&run);
}

static int test_nested(void)
{
	a_handler_is_entered_at_its_first_instruction();
	after_the_interlock_it_is_no_handler_any_more();
	rtas_is_entered_at_its_entry_point();
	printf("1..%u\n", nr_tests);
	return failed;
}

static bool option(const char *name, const char *value)
{
	if (strcmp(name, "-nested"))
		return false;
	nested = !strcmp(value, "on");
	return true;
}

int main(int argc, char **argv)
{
	config.ram_size = 256ull << 20;
	config.partition.bootargs = "alone";
	take_options(argc, argv, option);
	if (nested)
		return test_nested();
	take_trace();
	instruction_counts_are_exact();
	addresses_are_exact_the_kth_time();
	a_count_of_instructions_follows_a_place();
	accesses_stop_before_the_instruction();
	contexts_are_entered_at_the_instruction();
	states_are_entered_at_the_instruction_the_kth_time();
	vectors_are_exact();
	real_fetches_are_exact();
	real_accesses_stop_before_the_instruction();
	a_trigger_that_never_comes_true_changes_nothing();
	a_bound_withdraws_it_at_the_instruction();
	printf("1..%u\n", nr_tests);
	return failed;
}
