/* SPDX-License-Identifier: BSD-2-Clause */
/* Steps of cases; see step.h. */
#include <stdio.h>
#include <string.h>

#include "fwnmi/errlog.h"
#include "lab/step.h"

#define FAIL(...) (snprintf(err, err_size, __VA_ARGS__), false)

bool lab_step_parse(const json_t *json, struct lab_step *step, char *err, size_t err_size)
{
	const char *command = json_string_value(json_object_get(json, "execute"));
	json_t *arguments = json_object_get(json, "arguments");

	*step = (struct lab_step){ .kind = LAB_STEP_INJECT };
	if (command && !strcmp(command, "poison-memory")) {
		step->kind = LAB_STEP_POISON;
		return !inject_args_poison(arguments, false, &step->poison, err, err_size);
	}
	if (command && !strcmp(command, "plant-error")) {
		step->kind = LAB_STEP_PLANT;
		return !inject_args_plant(arguments, false, &step->plant, err, err_size);
	}
	if (!command || (strcmp(command, "inject-machine-check") && strcmp(command, "inject-nmi")))
		return FAIL("no such step: %s", command ? command : "no command");
	if (inject_args_parse(arguments, !strcmp(command, "inject-nmi"), &step->request, err,
			      err_size) < 0)
		return false;
	step->cpus = inject_args_cpus(arguments, step->request.system_reset);
	return true;
}

static unsigned cpus_of(const struct lab_step *step, unsigned nr_vcpus)
{
	switch (step->cpus) {
	case INJECT_ALL_CPUS:
	case INJECT_PARTITION:
		return nr_vcpus;
	case INJECT_OTHER_CPUS:
		return nr_vcpus - 1;
	default:
		return 1;
	}
}

uint64_t lab_step_events(const struct lab_step *step, unsigned nr_vcpus)
{
	const uint64_t repeat = step->request.repeat ? step->request.repeat : 1;

	return repeat * cpus_of(step, nr_vcpus);
}

void lab_machine_check_name(unsigned type, unsigned subtype, unsigned disposition, char *name,
			    size_t size)
{
	const char *text = fwnmi_mc_subtype_name(type, subtype);

	snprintf(name, size, "%s%s%s%s", fwnmi_mc_type_name(type), text ? " " : "",
		 text ? text : "",
		 disposition == FWNMI_DISPOSITION_NOT_RECOVERED	   ? ", not recovered" :
		 disposition == FWNMI_DISPOSITION_LIMITED_RECOVERY ? ", limited recovery" :
								     "");
}

void lab_step_name(const struct lab_step *step, char *name, size_t size)
{
	const struct fwnmi_machine_check *mc = &step->request.mc;

	if (step->kind == LAB_STEP_POISON)
		snprintf(name, size, "poison");
	else if (step->kind == LAB_STEP_PLANT)
		snprintf(name, size, "planted %s %s%s", fwnmi_mc_type_name(step->plant.error_type),
			 step->plant.multihit ? "multihit" : "parity",
			 step->plant.recovered ? "" : ", not recovered");
	else if (step->request.system_reset)
		snprintf(name, size, "system reset%s",
			 step->request.swapped_srr ? ", swapped SRR" : "");
	else
		lab_machine_check_name(mc->error_type, mc->error_subtype, mc->disposition, name,
				       size);
}
