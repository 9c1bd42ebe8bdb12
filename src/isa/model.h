/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The properties of each processor. The embedded engine is a POWER9, as is every partition's device
 * tree. The other rows are for KVM's hosts, and for the versions in the instruction table. libfwnmi
 * knows which machine check bits a processor has: fwnmi_mce_processor().
 */
#ifndef FWNMI_ISA_MODEL_H
#define FWNMI_ISA_MODEL_H

#include <stdint.h>

#define PA_FEATURES_SIZE  66
/* Byte and bit of ibm,pa-features for radix translation. */
#define PA_FEATURES_RADIX 42
#define PA_RADIX	  0x80
/* The same for translation by a hash table: a SLB, ... */
#define PA_FEATURES_SLB	  2
#define PA_SLB		  0x20
#define PA_FEATURES_HASH  3
#define PA_SLB_ZEROS	  0x02 /* an invalid SLB entry reads as zeros */
#define PA_PP_110	  0x01 /* read only, for the privileged state alone */

/* walk: the table walk made the access */
struct real_address_error {
	uint32_t fetch_srr1, fetch_walk_srr1;
	uint32_t data_dsisr, data_walk_dsisr;
};

/* Machine check bits of an error in a cached translation. 0: the processor has none. */
struct translation_error {
	uint32_t fetch_srr1, data_dsisr;
};

struct cpu_model {
	const char *name;
	uint32_t pvr; /* with the engine's revision; revision 0: no engine emulates it */
	uint32_t logical_pvr; /* of its ISA: cpu-version, KVM's ARCH_COMPAT */
	unsigned isa; /* version of the Power ISA, 300 = 3.0; newer instructions are illegal */
	/* Machine check bits for a real address that nothing answers, and for poisoned memory. */
	struct real_address_error unbacked, uncorrectable;
	/* No processor has bits for parity errors in ERAT or TLB. */
	struct translation_error erat_multihit, tlb_multihit, slb_multihit, slb_parity;
	uint8_t pa_features[PA_FEATURES_SIZE]; /* the property; empty: no partition is one */
};

extern const struct cpu_model cpu_model_power8, cpu_model_power9, cpu_model_power10,
	cpu_model_power11;

/**
 * cpu_model_of() - the model of a processor version register
 *
 * A version without a row gets the first row with the same machine check bits, or POWER9 if
 * libfwnmi does not know it either.
 */
const struct cpu_model *cpu_model_of(uint32_t pvr);

#endif
