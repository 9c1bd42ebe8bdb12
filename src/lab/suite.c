/* SPDX-License-Identifier: BSD-2-Clause */
/* Makes the lists of cases; see suite.h. */
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fwnmi/errlog.h"
#include "lab/observation.h"
#include "lab/step.h"
#include "lab/suite.h"
#include "lab/userland.h"

/* Kinds of machine checks that a processor reports; LoPAR's table of error types. */
static const struct kind {
	uint8_t type, subtype;
} kinds[] = {
	{ FWNMI_MC_UE, FWNMI_UE_INDETERMINATE },
	{ FWNMI_MC_UE, FWNMI_UE_IFETCH },
	{ FWNMI_MC_UE, FWNMI_UE_PAGE_TABLE_WALK_IFETCH },
	{ FWNMI_MC_UE, FWNMI_UE_LOAD_STORE },
	{ FWNMI_MC_UE, FWNMI_UE_PAGE_TABLE_WALK_LOAD_STORE },
	{ FWNMI_MC_SLB, FWNMI_SLB_PARITY },
	{ FWNMI_MC_SLB, FWNMI_SLB_MULTIHIT },
	{ FWNMI_MC_SLB, FWNMI_SLB_INDETERMINATE },
	{ FWNMI_MC_ERAT, FWNMI_ERAT_PARITY },
	{ FWNMI_MC_ERAT, FWNMI_ERAT_MULTIHIT },
	{ FWNMI_MC_ERAT, FWNMI_ERAT_INDETERMINATE },
	{ FWNMI_MC_TLB, FWNMI_TLB_PARITY },
	{ FWNMI_MC_TLB, FWNMI_TLB_MULTIHIT },
	{ FWNMI_MC_TLB, FWNMI_TLB_INDETERMINATE },
	{ FWNMI_MC_D_CACHE, 0 },
	{ FWNMI_MC_I_CACHE, 0 },
	{ FWNMI_MC_UNKNOWN, 0 },
};
#define NR_KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* Where an event hits: what the guest does, and a trigger, see inject/trigger.h. */
struct context {
	const char *column;
	enum lab_workload workload;
	const char *at;
};

/*
 * In the middle of the code that runs with known values in all registers: elsewhere, a register
 * that is lost may not be missed.
 */
#define IN_WINDOW "fetch=" LAB_WINDOW_RANGE " after=1000"

static const struct context contexts[] = {
	{ "user", LAB_VICTIM, IN_WINDOW },
	{ "kernel", LAB_SYSCALL, "kernel" },
	{ "idle", LAB_IDLE, "idle" },
};
#define NR_CONTEXTS (sizeof(contexts) / sizeof(contexts[0]))

/* Those of the standard suite. The numbers of instructions only spread events over a workload. */
static const struct context more_contexts[] = {
	{ "fault", LAB_FAULT, "kernel after=5000" },
	{ "fork", LAB_FORK, "kernel after=20000" },
	{ "signal", LAB_SIGNAL, "vector=0xc00 count=4 after=200" },
	{ "mixed", LAB_MIXED, "after=30000" },
	{ "sc", LAB_SYSCALL, "vector=0xc00 count=3" },
	{ "timer", LAB_VICTIM, "vector=0x900" },
	{ "page-fault", LAB_FAULT, "vector=0x300 count=2" },
	{ "ri=0", LAB_SYSCALL, "kernel ri=0 count=2" },
	{ "boot", LAB_BOOT, "kernel after=10000000" },
};
#define NR_MORE_CONTEXTS (sizeof(more_contexts) / sizeof(more_contexts[0]))

/* Room for one more. Powers of two, so that it grows in long strides. */
static struct lab_case *make_room(struct lab_cases *cases)
{
	struct lab_case *list = cases->list;

	if (!(cases->count & (cases->count - 1))) {
		list = realloc(list, (2 * cases->count + 1) * sizeof(*list));
		if (!list)
			return NULL;
		cases->list = list;
	}
	return &list[cases->count];
}

bool lab_cases_append(struct lab_cases *cases, const struct lab_case *model)
{
	struct lab_case *c = make_room(cases);

	if (!c) {
		json_decref(model->steps);
		return false;
	}
	*c = *model;
	c->number = cases->count;
	c->name = strdup(model->name);
	c->group = strdup(model->group);
	c->column = strdup(model->column);
	if (c->name && c->group && c->column && c->steps) {
		cases->count++;
		return true;
	}
	lab_case_clear(c);
	return false;
}

bool lab_cases_add(struct lab_cases *cases, enum lab_workload workload, const char *group,
		   const char *column, json_t *steps)
{
	char name[256];

	snprintf(name, sizeof(name), "%s/%s", group, column);
	return lab_cases_append(cases, &(struct lab_case){ .name = name,
							   .group = (char *)group,
							   .column = (char *)column,
							   .workload = workload,
							   .points = 1,
							   .steps = steps });
}

void lab_cases_clear(struct lab_cases *cases)
{
	for (size_t i = 0; i < cases->count; i++)
		lab_case_clear(&cases->list[i]);
	free(cases->list);
	*cases = (struct lab_cases){ 0 };
}

void lab_cases_select(struct lab_cases *cases, const char *pattern)
{
	size_t kept = 0;

	for (size_t i = 0; i < cases->count; i++) {
		struct lab_case *c = &cases->list[i];

		if (fnmatch(pattern, c->name, FNM_EXTMATCH)) {
			lab_case_clear(c);
			continue;
		}
		c->number = kept;
		cases->list[kept++] = *c;
	}
	cases->count = kept;
}

/* ---- steps ---- */

static uint8_t disposition(bool recovered)
{
	return recovered ? FWNMI_DISPOSITION_FULLY_RECOVERED : FWNMI_DISPOSITION_NOT_RECOVERED;
}

static json_t *machine_check(const struct kind *kind, bool recovered)
{
	const char *subtype = fwnmi_mc_subtype_name(kind->type, kind->subtype);
	json_t *arguments = json_pack("{s:s, s:s}", "type", fwnmi_mc_type_name(kind->type),
				      "disposition",
				      fwnmi_disposition_name(disposition(recovered)));

	if (subtype)
		json_object_set_new(arguments, "subtype", json_string(subtype));
	return json_pack("{s:s, s:o}", "execute", "inject-machine-check", "arguments", arguments);
}

/* On every CPU: a kernel that dumps waits for all of them. */
static json_t *system_reset(void)
{
	return json_pack("{s:s, s:{s:s}}", "execute", "inject-nmi", "arguments", "cpus", "all");
}

static json_t *with(json_t *step, const char *key, const char *value)
{
	json_object_set_new(json_object_get(step, "arguments"), key, json_string(value));
	return step;
}

/* ---- suites ---- */

static bool add_machine_check(struct lab_cases *cases, const struct kind *kind, bool recovered,
			      const struct context *context)
{
	char group[80];

	lab_machine_check_name(kind->type, kind->subtype, disposition(recovered), group,
			       sizeof(group));
	return lab_cases_add(cases, context->workload, group, context->column,
			     json_pack("[o]",
				       with(machine_check(kind, recovered), "at", context->at)));
}

static bool add_system_reset(struct lab_cases *cases, const struct context *context)
{
	return lab_cases_add(cases, context->workload, "system reset", context->column,
			     json_pack("[o]", with(system_reset(), "at", context->at)));
}

/* Every kind in every context, and system resets. */
static bool make_quick(struct lab_cases *cases)
{
	bool good = true;

	for (size_t k = 0; k < NR_KINDS; k++)
		for (unsigned recovered = 2; recovered-- > 0;)
			for (size_t c = 0; c < NR_CONTEXTS; c++)
				good &= add_machine_check(cases, &kinds[k], recovered,
							  &contexts[c]);
	for (size_t c = 0; c < NR_CONTEXTS; c++)
		good &= add_system_reset(cases, &contexts[c]);
	return good;
}

/* A few kinds, in places that take some time to reach. */
static bool add_contexts(struct lab_cases *cases)
{
	static const struct kind slb = { FWNMI_MC_SLB, FWNMI_SLB_MULTIHIT };
	static const struct kind ue = { FWNMI_MC_UE, FWNMI_UE_LOAD_STORE };
	bool good = true;

	for (size_t c = 0; c < NR_MORE_CONTEXTS; c++) {
		const struct context *context = &more_contexts[c];

		good &= add_machine_check(cases, &slb, true, context) &&
			add_machine_check(cases, &ue, true, context) &&
			add_machine_check(cases, &ue, false, context) &&
			add_system_reset(cases, context);
	}
	return good;
}

/* One event during another. */
static bool add_nested(struct lab_cases *cases)
{
	static const struct kind slb = { FWNMI_MC_SLB, FWNMI_SLB_MULTIHIT };
	static const char *const moments[] = { "handler ri=any", "interlocked" };
	static const char *const columns[] = { "in handler", "after interlock" };
	bool good = true;

	for (size_t i = 0; i < 2; i++) {
		json_t *check = with(machine_check(&slb, true), "at", "user");

		good &= lab_cases_add(
				cases, LAB_VICTIM, "machine check during one", columns[i],
				json_pack("[O, o]", check,
					  with(machine_check(&slb, true), "at", moments[i]))) &&
			lab_cases_add(cases, LAB_VICTIM, "system reset during one", columns[i],
				      json_pack("[o, o]", check,
						with(system_reset(), "at", moments[i])));
	}
	return good;
}

/* The same on every CPU at once, and one after the other. */
static bool add_many(struct lab_cases *cases, unsigned nr_vcpus)
{
	static const struct kind slb = { FWNMI_MC_SLB, FWNMI_SLB_MULTIHIT };
	json_t *storm = json_array();
	bool good = true;

	for (unsigned i = 0; i < 8; i++)
		json_array_append_new(storm, with(machine_check(&slb, true), "at",
						  i ? "user after=3000" : "user"));
	good &= lab_cases_add(cases, LAB_VICTIM, "SLB multihit", "eight", storm);
	if (nr_vcpus > 1 && nr_vcpus <= LAB_MAX_HITS)
		good &= lab_cases_add(cases, LAB_VICTIM, "SLB multihit", "all CPUs",
				      json_pack("[o]",
						with(machine_check(&slb, true), "cpus", "all")));
	return good;
}

static bool make_standard(struct lab_cases *cases, unsigned nr_vcpus)
{
	return make_quick(cases) && add_contexts(cases) && add_nested(cases) &&
	       add_many(cases, nr_vcpus);
}

bool lab_suite_make(const char *name, unsigned nr_vcpus, struct lab_cases *cases, char *err,
		    size_t err_size)
{
	bool good;

	*cases = (struct lab_cases){ 0 };
	if (!strcmp(name, "quick")) {
		good = make_quick(cases);
	} else if (!strcmp(name, "standard")) {
		good = make_standard(cases, nr_vcpus);
	} else {
		snprintf(err, err_size, "no suite %s: there are quick, standard and sweep", name);
		return false;
	}
	if (good)
		return true;
	snprintf(err, err_size, "out of memory");
	lab_cases_clear(cases);
	return false;
}
