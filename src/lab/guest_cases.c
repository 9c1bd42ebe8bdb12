/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs cases in the lab's guest; see lab_guest.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "inject/plant.h"
#include "lab/private.h"

#define LAB_BOOT_CASE_BOUND 5000000000ull
#define TIMEOUT_MS	    (24 * 3600 * 1000u) /* instructions decide, not this */

#define FAIL(...) (snprintf(err, err_size, __VA_ARGS__), false)

static bool parse_steps(struct lab_guest *guest, const struct lab_case *c, char *err,
			size_t err_size)
{
	uint64_t events = 0;
	size_t i;
	json_t *step;

	guest->nr_steps = 0;
	json_array_foreach(c->steps, i, step)
	{
		if (guest->nr_steps == LAB_MAX_STEPS)
			return FAIL("more than %u steps", LAB_MAX_STEPS);
		if (!lab_step_parse(step, &guest->steps[guest->nr_steps], err, err_size))
			return false;
		events += lab_step_events(&guest->steps[guest->nr_steps], guest->config.nr_vcpus);
		guest->steps[guest->nr_steps++].request.timeout_ms = TIMEOUT_MS;
	}
	if (events > LAB_MAX_HITS)
		return FAIL("more than %u events", LAB_MAX_HITS);
	guest->nr_events = (unsigned)events;
	return guest->nr_steps || FAIL("no steps");
}

static bool inject(struct lab_guest *guest, const struct lab_step *step, unsigned vcpu, char *err,
		   size_t err_size)
{
	struct injection_request request = step->request;

	request.id = ((uint64_t)guest->step << 8 | vcpu) + 1;
	request.vcpu = vcpu;
	request.group = guest->step + 1; /* once the first is hit, so are the others */
	if (!injector_add(guest->injector, &request, err, err_size))
		return false;
	guest->awaited += request.repeat ? request.repeat : 1;
	return true;
}

static bool is_started(const struct lab_guest *guest, unsigned vcpu)
{
	const enum vcpu_state state = machine_vcpu_state(guest->machine, vcpu);

	return state != VCPU_STOPPED && state != VCPU_UNSAFE;
}

/* What the guest's own access is to meet. */
static bool make_bad(struct machine *machine, const struct lab_step *step, char *err,
		     size_t err_size)
{
	if (step->kind == LAB_STEP_PLANT)
		return plant_carry_out(machine, &step->plant, err, err_size);
	return machine_poison(machine, step->poison.address, step->poison.length,
			      step->poison.heal_on_write, err, err_size);
}

static bool begin_step(struct lab_guest *guest, char *err, size_t err_size)
{
	const struct lab_step *step = &guest->steps[guest->step];
	const bool all = step->cpus == INJECT_ALL_CPUS || step->cpus == INJECT_PARTITION;
	const bool others = step->cpus == INJECT_OTHER_CPUS;

	if (step->kind != LAB_STEP_INJECT) {
		guest->awaited = 1; /* the machine check of the first use */
		guest->step++;
		return make_bad(guest->machine, step, err, err_size);
	}
	for (unsigned i = 0; i < guest->config.nr_vcpus; i++) {
		const bool asked = all || others != (i == step->request.vcpu);

		if (asked && (is_started(guest, i) || (!all && !others)) &&
		    !inject(guest, step, i, err, err_size))
			return false;
	}
	if (!guest->awaited)
		return FAIL("no such CPU is running");
	guest->step++;
	return true;
}

bool lab_guest_reset(struct lab_guest *guest, char *err, size_t err_size)
{
	if (snapshot_reset(guest->snapshot, err, err_size) < 0)
		return false;
	memcpy(guest->line, guest->start.line, sizeof(guest->line));
	guest->line_length = guest->start.line_length;
	guest->input_length = 0;
	guest->input_at = 0;
	guest->step = 0;
	guest->awaited = 0;
	guest->progress = guest->start.insns;
	if (guest->workload == LAB_BOOT) {
		guest->ready = false;
		guest->nr_processes = 0;
	}
	for (unsigned i = 0; i < guest->nr_processes; i++)
		guest->processes[i].rounds = 0;
	return true;
}

/* "6.1.0-42-powerpc64le" is 601. */
static unsigned version_number(const char *release)
{
	unsigned major = 0, minor = 0;

	if (sscanf(release, "%3u.%3u", &major, &minor) != 2)
		return 0;
	return major * 100 + minor;
}

static bool start_observation(struct lab_guest *guest, struct lab_observation *seen)
{
	*seen = (struct lab_observation){
		.nr_vcpus = guest->config.nr_vcpus,
		.kernel_version = version_number(guest->release),
		.options = guest->options,
		.console_size = CONSOLE_SIZE + guest->nr_events * CONSOLE_OF_EVENT,
		.hits = malloc(LAB_MAX_HITS * sizeof(seen->hits[0])),
		.notes = calloc(MAX_NOTES, sizeof(seen->notes[0])),
	};
	seen->console = malloc(seen->console_size);
	if (seen->console)
		seen->console[0] = '\0';
	return seen->console && seen->hits && seen->notes;
}

/* Linux waits two seconds between a system reset and its panic, if one of its CPUs is busy. */
static uint64_t bound_of(const struct lab_guest *guest)
{
	if (guest->workload == LAB_BOOT)
		return LAB_BOOT_CASE_BOUND;
	for (unsigned i = 0; i < guest->nr_steps; i++)
		if (guest->steps[i].kind == LAB_STEP_INJECT && guest->steps[i].request.system_reset)
			return LAB_RESET_BOUND;
	return LAB_BOUND;
}

/* Runs from one step to the next. Returns false at the end of the case. */
static bool run_on(struct lab_guest *guest)
{
	const uint64_t bound = bound_of(guest);
	struct lab_observation *seen = guest->seen;
	char why[sizeof(seen->why)];

	machine_stop_at(guest->machine, guest->progress + bound);
	seen->machine_end = machine_run(guest->machine, why, sizeof(why));
	if (seen->machine_end != MACHINE_STOPPED) {
		seen->end = LAB_END_MACHINE;
		memcpy(seen->why, why, sizeof(why));
		return false;
	}
	if (seen->end != LAB_END_BOUND)
		return false;
	if (machine_insns(guest->machine) < guest->progress + bound)
		return true;
	seen->end = guest->awaited ? LAB_END_UNREACHED : LAB_END_BOUND;
	return false;
}

static void note_positions(const struct lab_guest *guest)
{
	for (unsigned i = 0; i < guest->config.nr_vcpus; i++) {
		struct engine_regs regs;

		guest->seen->nr_running += is_started(guest, i);
		machine_get_regs(guest->machine, i, &regs);
		guest->seen->positions[i] =
			(struct lab_position){ .nip = regs.nip, .lr = regs.lr, .msr = regs.msr };
	}
}

/* Returns false, with one line in @err, if a step cannot be done. */
static bool run_steps(struct lab_guest *guest, char *err, size_t err_size)
{
	bool going = false;

	guest->seen->end = LAB_END_BOUND;
	do {
		if (!guest->awaited && guest->step < guest->nr_steps &&
		    !begin_step(guest, err, err_size))
			return false;
		if (guest->ready && guest->workload == LAB_BOOT && !going) {
			going = true;
			guest_go(guest, LAB_VICTIM);
		}
	} while (run_on(guest));
	guest->seen->insns = machine_insns(guest->machine) - guest->start.insns;
	note_positions(guest);
	return true;
}

/* Goes on to the instruction that a case begins at, and keeps that moment instead. */
static bool move_start(struct lab_guest *guest, uint64_t insn, char *err, size_t err_size)
{
	char why[256];

	if (!insn || insn == guest->start.insns)
		return true;
	if (insn < guest->start.insns)
		return FAIL("the guest is past instruction %llu already", (unsigned long long)insn);
	if (!lab_guest_reset(guest, err, err_size))
		return false;
	machine_stop_at(guest->machine, insn);
	if (machine_run(guest->machine, why, sizeof(why)) != MACHINE_STOPPED ||
	    machine_insns(guest->machine) != insn)
		return FAIL("the guest does not get to instruction %llu: %s",
			    (unsigned long long)insn, why);
	return guest_keep_moment(guest, err, err_size);
}

bool lab_guest_run(struct lab_guest *guest, const struct lab_case *c, bool to_delivery,
		   struct lab_observation *seen, char *err, size_t err_size)
{
	bool good;

	guest->to_delivery = to_delivery;
	if (!parse_steps(guest, c, err, err_size) || !move_start(guest, c->start, err, err_size))
		return false;
	if (!start_observation(guest, seen)) {
		lab_observation_clear(seen);
		return FAIL("out of memory");
	}
	guest->seen = seen;
	good = lab_guest_reset(guest, err, err_size) && run_steps(guest, err, err_size);
	guest->seen = NULL;
	if (!good)
		lab_observation_clear(seen);
	return good;
}

void lab_observation_clear(struct lab_observation *seen)
{
	free(seen->console);
	free(seen->hits);
	free(seen->notes);
	*seen = (struct lab_observation){ 0 };
}
