/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The properties of each processor that the embedded engine can be, with QEMU's names. libfwnmi
 * knows which machine check bits a processor has: fwnmi_mce_processor().
 */
#ifndef FWNMI_ISA_MODEL_H
#define FWNMI_ISA_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#define PA_FEATURES_SIZE  76 /* room for the longest */
/* Byte and bit of ibm,pa-features for radix translation. */
#define PA_FEATURES_RADIX 42
#define PA_RADIX	  0x80
/* The same for translation by a hash table: a SLB, ... */
#define PA_FEATURES_SLB	  2
#define PA_SLB		  0x20
#define PA_FEATURES_HASH  3
#define PA_SLB_ZEROS	  0x02 /* an invalid SLB entry reads as zeros */
#define PA_PP_110	  0x01 /* read only, for the privileged state alone */

/* A second data address watchpoint. */
#define PA_FEATURES_DAWR1 66
#define PA_DAWR1	  0x80

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
	const char *name; /* in the device tree */
	const char *type; /* as QEMU names it, with its revision */
	const char *alias; /* QEMU's short name for it, or NULL */
	uint32_t pvr;
	uint32_t logical_pvr; /* of its ISA: cpu-version, KVM's ARCH_COMPAT */
	unsigned isa; /* version of the Power ISA, 300 = 3.0; newer instructions are illegal */
	/* Machine check bits for a real address that nothing answers, and for poisoned memory. */
	struct real_address_error unbacked, uncorrectable;
	/* No processor has bits for parity errors in ERAT or TLB. */
	struct translation_error erat_multihit, tlb_multihit, slb_multihit, slb_parity;
	uint8_t pa_features[PA_FEATURES_SIZE]; /* the property: [0] + 2 bytes of it are in use */
};

extern const struct cpu_model cpu_model_power8, cpu_model_power9, cpu_model_power10,
	cpu_model_power11;

/** cpu_model_number() - the models, numbered from 0 on. NULL: there are no more */
const struct cpu_model *cpu_model_number(unsigned i);
/** cpu_model_named() - the model of a type or an alias, in any case of letters, or NULL */
const struct cpu_model *cpu_model_named(const char *name);
/** cpu_model_with_pvr() - the model with exactly this processor version register, or NULL */
const struct cpu_model *cpu_model_with_pvr(uint32_t pvr);
/** cpu_model_with_logical_pvr() - the first model of a version of the architecture, or NULL */
const struct cpu_model *cpu_model_with_logical_pvr(uint32_t logical_pvr);
/**
 * cpu_model_can_be() - has the processor a mode in which it is compatible with @older?
 *
 * Each has one for every version of the architecture, its own included, that the rows have.
 */
static inline bool cpu_model_can_be(const struct cpu_model *model, const struct cpu_model *older)
{
	return older->logical_pvr <= model->logical_pvr;
}
/** cpu_model_has_radix() - can it translate by radix trees? */
bool cpu_model_has_radix(const struct cpu_model *model);
/** cpu_model_has_dawr1() - has it DAWR1 and DAWRX1? */
bool cpu_model_has_dawr1(const struct cpu_model *model);
/** cpu_model_or_default() - what a machine has that is not told: POWER9 */
static inline const struct cpu_model *cpu_model_or_default(const struct cpu_model *model)
{
	return model ? model : &cpu_model_power9;
}

/**
 * cpu_model_of() - the model of a processor version register
 *
 * A revision without a row gets the version's first row, and a version without a row the first one
 * with the same machine check bits, or POWER9 if libfwnmi does not know it either.
 */
const struct cpu_model *cpu_model_of(uint32_t pvr);

#endif
