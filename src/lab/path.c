/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs a path of the guest instruction by instruction; see path.h. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "inject/json.h"
#include "isa/interrupt.h"
#include "lab/path.h"
#include "lab/private.h"

#define MAX_STARTS    1000 /* system calls or interrupts to look at for the one that is wanted */
/* An interrupt that takes longer has woken somebody who runs first. */
#define INTERRUPT_MAX 20000
#define MAX_TRIES     20 /* interrupts that took longer */
#define HASH_SIZE     (4 * PATH_MAX_POINTS)
#define NR_CALLS      (sizeof(calls) / sizeof(calls[0]))
#define LAST_VECTOR   0x1000 /* not one of them */
#define MSR_CONTEXT   (MSR_PR | MSR_IR) /* which code a NIP belongs to */

#define FAIL(...) (snprintf(err, err_size, __VA_ARGS__), false)

/* The workloads' system calls, see payload/lab/system_calls.h; others go by number. */
static const struct call {
	const char *name;
	unsigned number;
	enum lab_workload workload;
} calls[] = {
	{ "fork", 2, LAB_FORK },
	{ "read", 3, LAB_SYSCALL },
	{ "write", 4, LAB_SYSCALL },
	{ "execve", 11, LAB_FORK },
	{ "lseek", 19, LAB_SYSCALL },
	{ "getpid", 20, LAB_SYSCALL },
	{ "kill", 37, LAB_SIGNAL },
	{ "getppid", 64, LAB_SYSCALL },
	{ "mmap", 90, LAB_FAULT },
	{ "munmap", 91, LAB_FAULT },
	{ "wait4", 114, LAB_FORK },
	{ "mprotect", 125, LAB_SYSCALL },
	{ "madvise", 205, LAB_FAULT },
	{ "clock_gettime", 246, LAB_SYSCALL },
	{ "clock_nanosleep", 248, LAB_IDLE },
};

/* ---- what is asked for ---- */

static const char *after(const char *text, const char *prefix)
{
	const size_t length = strlen(prefix);

	return strncmp(text, prefix, length) ? NULL : text + length;
}

static bool parse_call(const char *name, struct path_spec *spec, char *err, size_t err_size)
{
	spec->kind = PATH_SYSCALL;
	spec->workload = LAB_SYSCALL;
	if (number_parse(name, strlen(name), &spec->call))
		return true;
	for (size_t i = 0; i < NR_CALLS; i++) {
		if (strcmp(calls[i].name, name))
			continue;
		spec->call = calls[i].number;
		spec->workload = calls[i].workload;
		return true;
	}
	return FAIL("no workload makes the system call %s; numbers are taken as well", name);
}

static bool parse_interrupt(const char *name, struct path_spec *spec, char *err, size_t err_size)
{
	spec->kind = PATH_INTERRUPT;
	spec->workload = LAB_VICTIM;
	if (!strcmp(name, "external"))
		spec->vector = VECTOR_EXTERNAL;
	else if (!strcmp(name, "decrementer"))
		spec->vector = VECTOR_DECREMENTER;
	else
		return FAIL("no path of interrupt %s: there are external and decrementer", name);
	return true;
}

bool path_parse(const char *text, struct path_spec *spec, char *err, size_t err_size)
{
	const char *rest;

	*spec = (struct path_spec){ .workload = LAB_SYSCALL };
	if (!strcmp(text, "syscall")) {
		spec->kind = PATH_SYSCALL;
		return spec->any_call = true;
	}
	if ((rest = after(text, "syscall:")))
		return parse_call(rest, spec, err, err_size);
	if ((rest = after(text, "interrupt:")))
		return parse_interrupt(rest, spec, err, err_size);
	if ((rest = after(text, "function:")) && *rest) {
		spec->kind = PATH_FUNCTION;
		spec->symbol = rest;
		return true;
	}
	if ((rest = after(text, "insns:"))) {
		spec->kind = PATH_INSNS;
		return (number_parse(rest, strlen(rest), &spec->insns) && spec->insns &&
			spec->insns <= PATH_MAX_POINTS) ||
		       FAIL("bad path %s: not a number from 1 to %d", text, PATH_MAX_POINTS);
	}
	return FAIL("bad path %s: there are function:SYMBOL, syscall, syscall:NAME, "
		    "interrupt:external, interrupt:decrementer and insns:N",
		    text);
}

json_t *path_spec_json(const struct path_spec *spec)
{
	return json_pack("{s:i, s:s*, s:s*, s:i, s:b, s:I, s:I, s:s}", "kind", (int)spec->kind,
			 "symbol", spec->symbol, "from", spec->from, "vector", (int)spec->vector,
			 "any-call", (int)spec->any_call, "call", (json_int_t)spec->call, "insns",
			 (json_int_t)spec->insns, "workload", lab_workload_name(spec->workload));
}

bool path_spec_read(const json_t *json, struct path_spec *spec)
{
	const char *workload = json_string_value(json_object_get(json, "workload"));

	*spec = (struct path_spec){
		.kind = (enum path_kind)json_integer_value(json_object_get(json, "kind")),
		.symbol = json_string_value(json_object_get(json, "symbol")),
		.from = json_string_value(json_object_get(json, "from")),
		.vector = (unsigned)json_integer_value(json_object_get(json, "vector")),
		.any_call = json_is_true(json_object_get(json, "any-call")),
		.call = (uint64_t)json_integer_value(json_object_get(json, "call")),
		.insns = (uint64_t)json_integer_value(json_object_get(json, "insns")),
	};
	return workload && lab_workload_parse(workload, &spec->workload);
}

/* ---- where it begins ---- */

/* A case whose only event comes where the path begins. */
static json_t *probe_steps(const struct path_spec *spec, unsigned count)
{
	const char *from = spec->from ? spec->from : "";
	char place[16] = "", ordinal[24] = "";
	json_t *at;

	if (spec->kind == PATH_SYSCALL || spec->kind == PATH_INTERRUPT)
		snprintf(place, sizeof(place), "vector=0x%x",
			 spec->kind == PATH_SYSCALL ? VECTOR_SYSTEM_CALL : spec->vector);
	if (count > 1 && !strstr(from, "count="))
		snprintf(ordinal, sizeof(ordinal), "count=%u", count);
	at = json_sprintf("%s%s%s %s%s%s cpu=%d", spec->kind == PATH_FUNCTION ? "address=" : "",
			  spec->kind == PATH_FUNCTION ? spec->symbol : place,
			  strstr(from, "ri=") ? "" : " ri=any", from, *ordinal ? " " : "", ordinal,
			  PATH_VCPU);
	return json_pack("[{s:s, s:{s:o}}]", "execute", "inject-nmi", "arguments", "at", at);
}

/* Is it where the path begins, not just another system call? */
static bool is_wanted(const struct path_spec *spec, const struct engine_regs *regs)
{
	return spec->kind != PATH_SYSCALL || spec->any_call || regs->gpr[0] == spec->call;
}

static bool probe(struct lab_guest *guest, const struct path_spec *spec, unsigned count,
		  struct lab_observation *seen, char *err, size_t err_size)
{
	struct lab_case c = { .name = (char *)"the path",
			      .group = c.name,
			      .column = c.name,
			      .workload = spec->workload,
			      .steps = probe_steps(spec, count) };
	const bool run = lab_guest_run(guest, &c, true, seen, err, err_size);

	json_decref(c.steps);
	return run;
}

/*
 * Goes on from the *@count-th place where it might begin. Sets *@insn to the instructions of the
 * machine's run before the path's first.
 */
static bool find_start(struct lab_guest *guest, const struct path_spec *spec, unsigned *count,
		       uint64_t *insn, char *err, size_t err_size)
{
	for (; *count <= MAX_STARTS; ++*count) {
		struct lab_observation seen;
		bool reached, wanted;
		uint64_t base;

		if (!lab_guest_reset(guest, err, err_size))
			return false;
		base = machine_insns(lab_guest_machine(guest));
		if (!probe(guest, spec, *count, &seen, err, err_size))
			return false;
		reached = seen.nr_hits;
		wanted = reached && is_wanted(spec, &seen.hits[0].before);
		*insn = base + (reached ? seen.hits[0].insns : 0);
		lab_observation_clear(&seen);
		if (wanted) {
			/* sc itself comes before its vector. */
			*insn -= spec->kind == PATH_SYSCALL;
			return true;
		}
		if (!reached || (spec->from && strstr(spec->from, "count=")))
			break;
	}
	return FAIL("the workload %s does not reach the path", lab_workload_name(spec->workload));
}

/* ---- the path ---- */

/*
 * What Linux's handlers look at, and what says which code it is for whom: the registers that they
 * only save and restore are alike to them.
 */
struct point_state {
	uint64_t nip, msr, r1, r13, lr;
	uint64_t soft_mask;
};

struct recording {
	struct lab_guest *guest;
	struct machine *machine;
	const struct path_spec *spec;
	struct engine_regs start; /* before the first instruction */
	uint64_t end_nip, end_msr; /* PATH_FUNCTION, PATH_INTERRUPT: where it ends */
	json_t *points;
	uint64_t count; /* equivalent ones included */
	struct seen {
		struct point_state state;
		json_t *point; /* of points */
	} * seen; /* each one in points */
	uint32_t *index; /* by hash: place in seen, plus 1; 0: none */
};

static uint64_t hash_of(const struct point_state *state)
{
	const uint8_t *bytes = (const uint8_t *)state;
	uint64_t hash = 0xcbf29ce484222325ull; /* FNV-1a */

	for (size_t i = 0; i < sizeof(*state); i++)
		hash = (hash ^ bytes[i]) * 0x100000001b3ull;
	return hash;
}

/* Returns where the index has the state, or has room for it. */
static uint32_t *find_seen(struct recording *r, const struct point_state *state)
{
	size_t at = hash_of(state) % HASH_SIZE;

	while (r->index[at] && memcmp(&r->seen[r->index[at] - 1].state, state, sizeof(*state)))
		at = (at + 1) % HASH_SIZE;
	return &r->index[at];
}

/* @vector: the point is the first instruction of this interrupt; else 0. */
static void add_point(struct recording *r, uint64_t insn, const struct engine_regs *regs,
		      unsigned vector)
{
	const struct point_state state = {
		.nip = regs->nip,
		.msr = regs->msr,
		.r1 = regs->gpr[1],
		.r13 = regs->gpr[13],
		.lr = regs->lr,
		.soft_mask = guest_soft_mask(r->guest, regs),
	};
	uint32_t *known = find_seen(r, &state);
	struct seen *seen;
	char place[LAB_MAX_PLACE];

	r->count++;
	if (*known) {
		json_t *points = json_object_get(r->seen[*known - 1].point, "points");

		json_integer_set(points, json_integer_value(points) + 1);
		return;
	}
	seen = &r->seen[json_array_size(r->points)];
	*known = (uint32_t)json_array_size(r->points) + 1;
	seen->state = state;
	seen->point = json_pack("{s:I, s:o, s:s, s:i}", "insn", (json_int_t)insn, "nip",
				json_address(regs->nip), "place",
				lab_guest_place(r->guest, regs, place, sizeof(place)), "points", 1);
	if (vector)
		json_object_set_new(seen->point, "vector", json_integer(vector));
	json_array_append_new(r->points, seen->point);
}

static bool is_at(const struct engine_regs *now, uint64_t nip, uint64_t msr, uint64_t r1)
{
	return now->nip == nip && !((now->msr ^ msr) & MSR_CONTEXT) && now->gpr[1] == r1;
}

static bool has_ended(const struct recording *r, const struct engine_regs *now)
{
	switch (r->spec->kind) {
	case PATH_FUNCTION:
	case PATH_INTERRUPT:
		return is_at(now, r->end_nip, r->end_msr, r->start.gpr[1]);
	case PATH_SYSCALL:
		return now->msr & MSR_PR;
	case PATH_INSNS:
		return r->count == r->spec->insns;
	}
	return true;
}

static void begin(struct recording *r, const struct engine_regs *now)
{
	const struct path_spec *spec = r->spec;

	r->start = *now;
	r->end_nip = now->nip;
	r->end_msr = now->msr;
	if (spec->kind == PATH_FUNCTION) {
		r->end_nip = now->lr;
	} else if (spec->kind == PATH_INTERRUPT &&
		   now->nip == interrupt_address(spec->vector, now->msr & MSR_IR ? 3 : 0)) {
		r->end_nip = now->srr0;
		r->end_msr = now->srr1;
	}
}

/*
 * Which interrupt was taken between two instructions, or by the first of them? 0: none, or its
 * routine begins with a branch.
 */
static unsigned taken(const struct engine_regs *now, const struct engine_regs *next)
{
	const uint64_t first = next->nip - 4;

	if (next->msr & MSR_PR || now->nip == first)
		return 0;
	for (unsigned vector = VECTOR_SYSTEM_RESET; vector < LAST_VECTOR; vector += 0x20)
		if (first == interrupt_address(vector, next->msr & MSR_IR ? 3 : 0))
			return vector;
	return 0;
}

/* Adds the instruction before which the vCPU had registers @now, and which led to @next. */
static void add_step(struct recording *r, uint64_t insn, const struct engine_regs *now,
		     const struct engine_regs *next)
{
	const unsigned vector = taken(now, next);
	struct engine_regs at_vector = *next;

	add_point(r, insn, now, 0);
	if (!vector)
		return;
	at_vector.nip -= 4;
	add_point(r, insn, &at_vector, vector);
}

/* Runs the machine up to an instruction. */
static bool run_to(struct machine *machine, uint64_t insn, char *err, size_t err_size)
{
	char why[256];

	if (machine_insns(machine) == insn)
		return true;
	machine_stop_at(machine, insn);
	return machine_run(machine, why, sizeof(why)) == MACHINE_STOPPED ||
	       FAIL("the machine ended on the path: %s", why);
}

/* Returns false with an empty line if it does not end soon enough. */
static bool walk(struct recording *r, uint64_t insn, char *err, size_t err_size)
{
	const uint64_t most = r->spec->kind == PATH_INTERRUPT ? INTERRUPT_MAX : PATH_MAX_POINTS;
	struct engine_regs now, next;

	if (!run_to(r->machine, insn, err, err_size))
		return false;
	machine_get_regs(r->machine, PATH_VCPU, &now);
	begin(r, &now);
	while (r->count < most) {
		const uint64_t executed = machine_vcpu_insns(r->machine, PATH_VCPU);

		if (!run_to(r->machine, ++insn, err, err_size))
			return false;
		machine_get_regs(r->machine, PATH_VCPU, &next);
		if (machine_vcpu_insns(r->machine, PATH_VCPU) != executed) {
			add_step(r, insn - 1, &now, &next);
			if (has_ended(r, &next))
				return true;
		}
		now = next;
	}
	return FAIL("%s", "");
}

static void forget_points(struct recording *r)
{
	json_array_clear(r->points);
	memset(r->index, 0, HASH_SIZE * sizeof(r->index[0]));
	r->count = 0;
}

static bool record(struct recording *r, char *err, size_t err_size)
{
	const unsigned tries = r->spec->kind == PATH_INTERRUPT ? MAX_TRIES : 1;
	unsigned count = 1;
	uint64_t insn;

	for (unsigned i = 0; i < tries; i++, count++) {
		forget_points(r);
		if (!find_start(r->guest, r->spec, &count, &insn, err, err_size) ||
		    !lab_guest_reset(r->guest, err, err_size))
			return false;
		if (walk(r, insn, err, err_size))
			return true;
		if (*err)
			return false;
	}
	return FAIL("the path does not end within %d instructions",
		    r->spec->kind == PATH_INTERRUPT ? INTERRUPT_MAX : PATH_MAX_POINTS);
}

json_t *path_record(struct lab_guest *guest, const struct path_spec *spec, char *err,
		    size_t err_size)
{
	struct recording r = {
		.guest = guest,
		.machine = lab_guest_machine(guest),
		.spec = spec,
		.points = json_array(),
		.seen = calloc(PATH_MAX_POINTS, sizeof(r.seen[0])),
		.index = calloc(HASH_SIZE, sizeof(r.index[0])),
	};
	bool good = r.points && r.seen && r.index;

	if (!good)
		snprintf(err, err_size, "out of memory");
	good = good && record(&r, err, err_size);
	free(r.seen);
	free(r.index);
	if (good)
		return r.points;
	json_decref(r.points);
	return NULL;
}
