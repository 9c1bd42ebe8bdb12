/* SPDX-License-Identifier: BSD-2-Clause */
/* A step of a case, as case.h has it in JSON: what is done to the guest. */
#ifndef FWNMI_LAB_STEP_H
#define FWNMI_LAB_STEP_H

#include "inject/inject_args.h"

#define LAB_MAX_STEPS 16 /* of a case */

struct lab_step {
	enum {
		LAB_STEP_INJECT,
		LAB_STEP_POISON,
		LAB_STEP_PLANT
	} kind;
	enum inject_cpus cpus;
	struct injection_request request;
	struct poison_request poison;
	struct plant_request plant;
};

/** lab_step_parse() - false, with one line in @err, if it is none, or the lab cannot do it */
bool lab_step_parse(const json_t *json, struct lab_step *step, char *err, size_t err_size);
/** lab_step_events() - how many events it is, in a guest with that many vCPUs */
uint64_t lab_step_events(const struct lab_step *step, unsigned nr_vcpus);
/**
 * lab_step_name() - "SLB multihit", "UE load-store, not recovered", "system reset", "poison",
 * "planted TLB multihit"
 */
void lab_step_name(const struct lab_step *step, char *name, size_t size);
/** lab_machine_check_name() - of a machine check with that type, subtype and disposition */
void lab_machine_check_name(unsigned type, unsigned subtype, unsigned disposition, char *name,
			    size_t size);

#endif
