/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is particular to each processor. The embedded engine is a POWER9, and every partition's
 * device tree shows one. The other rows are for hosts of a KVM and for what the instruction table
 * refuses. Which machine check bits a processor has is up to libfwnmi: fwnmi_mce_processor().
 */
#ifndef FWNMI_ISA_MODEL_H
#define FWNMI_ISA_MODEL_H

#include <stdint.h>

#define PA_FEATURES_SIZE  66
/* Byte and bit of ibm,pa-features for radix translation. */
#define PA_FEATURES_RADIX 42
#define PA_RADIX	  0x80

struct cpu_model {
	const char *name;
	uint32_t pvr; /* with the revision of the engine's; revision 0: no engine is one */
	uint32_t logical_pvr; /* of its ISA: cpu-version, KVM's ARCH_COMPAT */
	unsigned isa; /* version of the Power ISA, 300 = 3.0; newer instructions are illegal */
	/* Machine check bits for a real address that nothing answers; walk: of a table entry. */
	struct {
		uint32_t fetch_srr1, fetch_walk_srr1;
		uint32_t data_dsisr, data_walk_dsisr;
	} unbacked;
	uint8_t pa_features[PA_FEATURES_SIZE]; /* the property; empty: no partition is one */
};

extern const struct cpu_model cpu_model_power8, cpu_model_power9, cpu_model_power10,
	cpu_model_power11;

/**
 * cpu_model_of() - the model of a processor version register
 *
 * Of a version without a row it is the first with the same machine check bits; POWER9 for one that
 * libfwnmi does not know either.
 */
const struct cpu_model *cpu_model_of(uint32_t pvr);

#endif
