/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Machine check cause bits of each processor, as tables read in both directions.
 * A new processor is a new pair of tables and a line in processors[]. The encodings are those of
 * the POWER9 Processor User's Manual, section "Machine Check Interrupt"; Linux decodes the same in
 * arch/powerpc/kernel/mce_power.c.
 */
#include <string.h>

#include <fwnmi/mce.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* Instruction side, and stores (asynchronous, so fatal): SRR1 bits 36 and 43:45 hold one code. */
struct srr1_cause {
	uint32_t srr1;
	bool nip_valid; /* the interrupted instruction is the effective address */
	uint8_t error_type;
	uint8_t error_subtype;
	uint8_t severity;
};

/* Load/store side: DSISR has a bit a cause; the first row that matches is the gravest. */
struct dsisr_cause {
	uint32_t dsisr;
	bool dar_valid;
	uint8_t error_type;
	uint8_t error_subtype;
	uint8_t severity;
};

struct processor {
	enum fwnmi_processor processor;
	uint32_t srr1_mask;
	const struct srr1_cause *srr1_causes;
	size_t nr_srr1_causes;
	const struct dsisr_cause *dsisr_causes;
	size_t nr_dsisr_causes;
};

#define SYNC  FWNMI_SEVERITY_ERROR_SYNC
#define FATAL FWNMI_SEVERITY_FATAL

/* clang-format off */
static const struct srr1_cause power9_srr1[] = {
	{ 0x00040000, true,  FWNMI_MC_UE,      FWNMI_UE_IFETCH,                 SYNC },
	{ 0x00080000, true,  FWNMI_MC_SLB,     FWNMI_SLB_PARITY,                SYNC },
	{ 0x000c0000, true,  FWNMI_MC_SLB,     FWNMI_SLB_MULTIHIT,              SYNC },
	{ 0x00100000, true,  FWNMI_MC_ERAT,    FWNMI_ERAT_MULTIHIT,             SYNC },
	{ 0x00140000, true,  FWNMI_MC_TLB,     FWNMI_TLB_MULTIHIT,              SYNC },
	{ 0x00180000, true,  FWNMI_MC_UE,      FWNMI_UE_PAGE_TABLE_WALK_IFETCH, SYNC },
	{ 0x001c0000, true,  FWNMI_MC_UNKNOWN, 0, SYNC },  /* fetch from a foreign address */
	{ 0x08000000, true,  FWNMI_MC_UNKNOWN, 0, SYNC },  /* link time-out of a fetch */
	{ 0x08040000, true,  FWNMI_MC_UNKNOWN, 0, SYNC },  /* link time-out of its table walk */
	{ 0x080c0000, true,  FWNMI_MC_UNKNOWN, 0, SYNC },  /* fetch from a bad real address */
	{ 0x08100000, true,  FWNMI_MC_UNKNOWN, 0, SYNC },  /* its table walk, likewise */
	{ 0x08140000, false, FWNMI_MC_UNKNOWN, 0, FATAL }, /* store to a bad real address */
	{ 0x08180000, false, FWNMI_MC_UNKNOWN, 0, FATAL }, /* link time-out of a store */
	{ 0x081c0000, true,  FWNMI_MC_UNKNOWN, 0, SYNC },  /* its table walk to a foreign address */
};

static const struct dsisr_cause power9_dsisr[] = {
	{ 0x00008000, false, FWNMI_MC_UE,      FWNMI_UE_LOAD_STORE,                 SYNC },
	{ 0x00004000, true,  FWNMI_MC_UE,      FWNMI_UE_PAGE_TABLE_WALK_LOAD_STORE, SYNC },
	{ 0x00002000, true,  FWNMI_MC_UNKNOWN, 0, SYNC },  /* link time-out of a load */
	{ 0x00001000, true,  FWNMI_MC_UNKNOWN, 0, SYNC },  /* link time-out of its table walk */
	{ 0x00000800, true,  FWNMI_MC_ERAT,    FWNMI_ERAT_MULTIHIT,                 SYNC },
	{ 0x00000400, true,  FWNMI_MC_TLB,     FWNMI_TLB_MULTIHIT,                  SYNC },
	{ 0x00000200, false, FWNMI_MC_UNKNOWN, 0, SYNC },  /* invalid tlbie(l) */
	{ 0x00000080, true,  FWNMI_MC_SLB,     FWNMI_SLB_MULTIHIT,                  SYNC },
	{ 0x00000100, true,  FWNMI_MC_SLB,     FWNMI_SLB_PARITY,                    SYNC },
	{ 0x00000040, true,  FWNMI_MC_UNKNOWN, 0, SYNC },  /* load from a bad real address */
	{ 0x00000020, false, FWNMI_MC_UNKNOWN, 0, SYNC },  /* its table walk, likewise */
	{ 0x00000010, false, FWNMI_MC_UNKNOWN, 0, SYNC },  /* its table walk to a foreign address */
	{ 0x00000008, false, FWNMI_MC_UNKNOWN, 0, SYNC },  /* load/store to a foreign address */
};
/* clang-format on */

static const struct processor processors[] = {
	{ FWNMI_PROCESSOR_POWER9, 0x081c0000, power9_srr1, ARRAY_SIZE(power9_srr1), power9_dsisr,
	  ARRAY_SIZE(power9_dsisr) },
};

static const struct processor *find_processor(enum fwnmi_processor number)
{
	for (size_t i = 0; i < ARRAY_SIZE(processors); i++)
		if (processors[i].processor == number)
			return &processors[i];
	return NULL;
}

static void set_cause(struct fwnmi_machine_check *mc, uint8_t type, uint8_t subtype,
		      uint8_t severity)
{
	mc->error_type = type;
	mc->error_subtype = subtype;
	mc->severity = severity;
	mc->transient = type == FWNMI_MC_UE;
}

static void set_effective_address(struct fwnmi_machine_check *mc, bool valid, uint64_t address)
{
	/* A log has no place for the address of an unknown error. */
	if (!valid || mc->error_type == FWNMI_MC_UNKNOWN)
		return;
	mc->effective_address_valid = true;
	mc->effective_address = address;
}

int fwnmi_mce_analyse(enum fwnmi_processor number, uint64_t nip, uint64_t srr1, uint32_t dsisr,
		      uint64_t dar, struct fwnmi_machine_check *mc)
{
	const struct processor *processor = find_processor(number);

	memset(mc, 0, sizeof(*mc));
	if (!processor)
		return FWNMI_ERR_INVALID;
	mc->disposition = FWNMI_DISPOSITION_NOT_RECOVERED;
	mc->initiator = FWNMI_INITIATOR_CPU;
	mc->srr1 = srr1 & FWNMI_SRR1_CAUSE_MASK;
	set_cause(mc, FWNMI_MC_UNKNOWN, 0, FWNMI_SEVERITY_ERROR_SYNC);

	if (srr1 & FWNMI_SRR1_MC_LOADSTORE) {
		for (size_t i = 0; i < processor->nr_dsisr_causes; i++) {
			const struct dsisr_cause *cause = &processor->dsisr_causes[i];

			if (!(dsisr & cause->dsisr))
				continue;
			set_cause(mc, cause->error_type, cause->error_subtype, cause->severity);
			set_effective_address(mc, cause->dar_valid, dar);
			break;
		}
	} else {
		for (size_t i = 0; i < processor->nr_srr1_causes; i++) {
			const struct srr1_cause *cause = &processor->srr1_causes[i];

			if ((srr1 & processor->srr1_mask) != cause->srr1)
				continue;
			set_cause(mc, cause->error_type, cause->error_subtype, cause->severity);
			set_effective_address(mc, cause->nip_valid, nip);
			break;
		}
	}
	return 0;
}

int fwnmi_mce_synthesise(enum fwnmi_processor number, const struct fwnmi_machine_check *mc,
			 uint64_t *srr1, uint32_t *dsisr, bool *dar_valid)
{
	const struct processor *processor = find_processor(number);

	*srr1 = 0;
	*dsisr = 0;
	*dar_valid = false;
	if (!processor)
		return FWNMI_ERR_INVALID;
	if (mc->error_type == FWNMI_MC_UNKNOWN) /* many causes: none of them is meant */
		return FWNMI_ERR_NO_CAUSE;

	for (size_t i = 0; i < processor->nr_dsisr_causes; i++) {
		const struct dsisr_cause *cause = &processor->dsisr_causes[i];

		if (cause->error_type != mc->error_type ||
		    cause->error_subtype != mc->error_subtype)
			continue;
		*srr1 = FWNMI_SRR1_MC_LOADSTORE;
		*dsisr = cause->dsisr;
		*dar_valid = cause->dar_valid && mc->effective_address_valid;
		return 0;
	}
	for (size_t i = 0; i < processor->nr_srr1_causes; i++) {
		const struct srr1_cause *cause = &processor->srr1_causes[i];

		if (cause->error_type != mc->error_type ||
		    cause->error_subtype != mc->error_subtype)
			continue;
		*srr1 = cause->srr1;
		return 0;
	}
	return FWNMI_ERR_NO_CAUSE;
}
