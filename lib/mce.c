/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Machine check cause bits of each processor, as tables used in both directions. To add a
 * processor, add a pair of tables and a line in processors[]. The encodings are from the
 * processors' user's manuals, section "Machine Check Interrupt"; Linux decodes the same ones in
 * arch/powerpc/kernel/mce_power.c.
 */
#include <string.h>

#include <fwnmi/mce.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* Instruction side, and stores (asynchronous, so fatal): SRR1 bits 36 and 43:45 are one code. */
struct srr1_cause {
	uint32_t srr1;
	bool nip_valid; /* the interrupted instruction is the effective address */
	uint8_t error_type;
	uint8_t error_subtype;
	uint8_t severity;
};

/* Load/store side: DSISR has one bit per cause. Rows are sorted, gravest first. */
struct dsisr_cause {
	uint32_t dsisr;
	bool dar_valid;
	uint8_t error_type;
	uint8_t error_subtype;
	uint8_t severity;
};

struct processor {
	enum fwnmi_processor processor;
	const struct srr1_cause *srr1_causes;
	size_t nr_srr1_causes;
	const struct dsisr_cause *dsisr_causes;
	size_t nr_dsisr_causes;
	uint32_t spurious_dsisr; /* exactly this DSISR: no error occurred; 0: no such value */
};

/* SRR1 bits 36 and 43:45 */
#define SRR1_CODE 0x081c0000u

#define SYNC  FWNMI_SEVERITY_ERROR_SYNC
#define FATAL FWNMI_SEVERITY_FATAL

/* clang-format off */
static const struct srr1_cause power8_srr1[] = {
	{ 0x00040000, true,  FWNMI_MC_UE,      FWNMI_UE_IFETCH,                 SYNC },
	{ 0x00080000, true,  FWNMI_MC_SLB,     FWNMI_SLB_PARITY,                SYNC },
	{ 0x000c0000, true,  FWNMI_MC_SLB,     FWNMI_SLB_MULTIHIT,              SYNC },
	{ 0x00100000, true,  FWNMI_MC_ERAT,    FWNMI_ERAT_MULTIHIT,             SYNC },
	{ 0x00140000, true,  FWNMI_MC_TLB,     FWNMI_TLB_MULTIHIT,              SYNC },
	{ 0x00180000, true,  FWNMI_MC_UE,      FWNMI_UE_PAGE_TABLE_WALK_IFETCH, SYNC },
	{ 0x001c0000, true,  FWNMI_MC_UE,      FWNMI_UE_IFETCH,                 SYNC },
	{ 0x08000000, true,  FWNMI_MC_UNKNOWN, 0, SYNC },  /* link time-out of a fetch */
	{ 0x08040000, true,  FWNMI_MC_UNKNOWN, 0, SYNC },  /* link time-out of its table walk */
};

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
	/* Fetch from a bad real address */
	{ 0x080c0000, true,  FWNMI_MC_UE,      FWNMI_UE_IFETCH,                 SYNC },
	/* Likewise */
	{ 0x08100000, true,  FWNMI_MC_UE,      FWNMI_UE_PAGE_TABLE_WALK_IFETCH, SYNC },
	{ 0x08140000, false, FWNMI_MC_UNKNOWN, 0, FATAL }, /* store to a bad real address */
	{ 0x08180000, false, FWNMI_MC_UNKNOWN, 0, FATAL }, /* link time-out of a store */
	{ 0x081c0000, true,  FWNMI_MC_UNKNOWN, 0, SYNC },  /* its table walk to a foreign address */
};

static const struct srr1_cause power10_srr1[] = {
	{ 0x00040000, true,  FWNMI_MC_UE,      FWNMI_UE_IFETCH,                 SYNC },
	{ 0x00080000, true,  FWNMI_MC_SLB,     FWNMI_SLB_PARITY,                SYNC },
	{ 0x000c0000, true,  FWNMI_MC_SLB,     FWNMI_SLB_MULTIHIT,              SYNC },
	{ 0x00100000, true,  FWNMI_MC_ERAT,    FWNMI_ERAT_MULTIHIT,             SYNC },
	{ 0x00140000, true,  FWNMI_MC_TLB,     FWNMI_TLB_MULTIHIT,              SYNC },
	{ 0x00180000, true,  FWNMI_MC_UE,      FWNMI_UE_PAGE_TABLE_WALK_IFETCH, SYNC },
	{ 0x001c0000, true,  FWNMI_MC_UNKNOWN, 0, SYNC },  /* fetch from a foreign address */
	{ 0x08080000, true,  FWNMI_MC_UNKNOWN, 0, SYNC },  /* scv with an invalid level */
	/* Fetch from a bad real address */
	{ 0x080c0000, true,  FWNMI_MC_UE,      FWNMI_UE_IFETCH,                 SYNC },
	/* Likewise */
	{ 0x08100000, true,  FWNMI_MC_UE,      FWNMI_UE_PAGE_TABLE_WALK_IFETCH, SYNC },
	{ 0x08140000, false, FWNMI_MC_UNKNOWN, 0, FATAL }, /* store to a bad real address */
	{ 0x081c0000, true,  FWNMI_MC_UNKNOWN, 0, SYNC },  /* its table walk to a foreign address */
};

static const struct dsisr_cause power8_dsisr[] = {
	{ 0x00008000, false, FWNMI_MC_UE,      FWNMI_UE_LOAD_STORE,                 SYNC },
	{ 0x00004000, true,  FWNMI_MC_UE,      FWNMI_UE_PAGE_TABLE_WALK_LOAD_STORE, SYNC },
	{ 0x00002000, true,  FWNMI_MC_UNKNOWN, 0, SYNC },  /* link time-out of a load */
	{ 0x00001000, true,  FWNMI_MC_UNKNOWN, 0, SYNC },  /* link time-out of its table walk */
	{ 0x00000800, true,  FWNMI_MC_ERAT,    FWNMI_ERAT_MULTIHIT,                 SYNC },
	{ 0x00000400, true,  FWNMI_MC_TLB,     FWNMI_TLB_MULTIHIT,                  SYNC },
	/* Secondary */
	{ 0x00000200, true,  FWNMI_MC_ERAT,    FWNMI_ERAT_MULTIHIT,                 SYNC },
	{ 0x00000080, true,  FWNMI_MC_SLB,     FWNMI_SLB_MULTIHIT,                  SYNC },
	{ 0x00000100, true,  FWNMI_MC_SLB,     FWNMI_SLB_PARITY,                    SYNC },
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
	/* Bad real address */
	{ 0x00000040, true,  FWNMI_MC_UE,      FWNMI_UE_LOAD_STORE,                 SYNC },
	/* Likewise */
	{ 0x00000020, false, FWNMI_MC_UE,      FWNMI_UE_PAGE_TABLE_WALK_LOAD_STORE, SYNC },
	{ 0x00000010, false, FWNMI_MC_UNKNOWN, 0, SYNC },  /* its table walk to a foreign address */
	{ 0x00000008, false, FWNMI_MC_UNKNOWN, 0, SYNC },  /* load/store to a foreign address */
};

/* As POWER9, but without link time-outs. */
static const struct dsisr_cause power10_dsisr[] = {
	{ 0x00008000, false, FWNMI_MC_UE,      FWNMI_UE_LOAD_STORE,                 SYNC },
	{ 0x00004000, true,  FWNMI_MC_UE,      FWNMI_UE_PAGE_TABLE_WALK_LOAD_STORE, SYNC },
	{ 0x00000800, true,  FWNMI_MC_ERAT,    FWNMI_ERAT_MULTIHIT,                 SYNC },
	{ 0x00000400, true,  FWNMI_MC_TLB,     FWNMI_TLB_MULTIHIT,                  SYNC },
	{ 0x00000200, false, FWNMI_MC_UNKNOWN, 0, SYNC },  /* invalid tlbie(l) */
	{ 0x00000080, true,  FWNMI_MC_SLB,     FWNMI_SLB_MULTIHIT,                  SYNC },
	{ 0x00000100, true,  FWNMI_MC_SLB,     FWNMI_SLB_PARITY,                    SYNC },
	/* Bad real address */
	{ 0x00000040, true,  FWNMI_MC_UE,      FWNMI_UE_LOAD_STORE,                 SYNC },
	/* Likewise */
	{ 0x00000020, false, FWNMI_MC_UE,      FWNMI_UE_PAGE_TABLE_WALK_LOAD_STORE, SYNC },
	{ 0x00000010, false, FWNMI_MC_UNKNOWN, 0, SYNC },  /* its table walk to a foreign address */
	{ 0x00000008, false, FWNMI_MC_UNKNOWN, 0, SYNC },  /* load/store to a foreign address */
};
/* clang-format on */

static const struct processor processors[] = {
	{ FWNMI_PROCESSOR_POWER8, power8_srr1, ARRAY_SIZE(power8_srr1), power8_dsisr,
	  ARRAY_SIZE(power8_dsisr), 0 },
	/* Up to DD2.1 a paste instruction may raise a spurious machine check. */
	{ FWNMI_PROCESSOR_POWER9, power9_srr1, ARRAY_SIZE(power9_srr1), power9_dsisr,
	  ARRAY_SIZE(power9_dsisr), 0x02000000 },
	{ FWNMI_PROCESSOR_POWER10, power10_srr1, ARRAY_SIZE(power10_srr1), power10_dsisr,
	  ARRAY_SIZE(power10_dsisr), 0 },
};

enum fwnmi_processor fwnmi_mce_processor(uint32_t pvr)
{
	static const struct {
		uint16_t version;
		enum fwnmi_processor processor;
	} known[] = {
		{ FWNMI_PVR_POWER8E, FWNMI_PROCESSOR_POWER8 },
		{ FWNMI_PVR_POWER8NVL, FWNMI_PROCESSOR_POWER8 },
		{ FWNMI_PVR_POWER8, FWNMI_PROCESSOR_POWER8 },
		{ FWNMI_PVR_POWER9, FWNMI_PROCESSOR_POWER9 },
		{ FWNMI_PVR_POWER10, FWNMI_PROCESSOR_POWER10 },
		{ FWNMI_PVR_POWER11, FWNMI_PROCESSOR_POWER10 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++)
		if (known[i].version == pvr >> 16)
			return known[i].processor;
	return FWNMI_PROCESSOR_POWER9;
}

static const struct processor *find_processor(uint32_t pvr)
{
	const enum fwnmi_processor number = fwnmi_mce_processor(pvr);
	size_t i = 0;

	while (processors[i].processor != number)
		i++;
	return &processors[i];
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
	/* A log has no field for the address of an unknown error. */
	if (!valid || mc->error_type == FWNMI_MC_UNKNOWN)
		return;
	mc->effective_address_valid = true;
	mc->effective_address = address;
}

static void set_dar(struct fwnmi_machine_check *mc, bool valid, uint64_t dar)
{
	mc->dar_valid = valid;
	mc->dar = valid ? dar : 0;
}

static const struct srr1_cause *find_srr1_cause(const struct processor *processor, uint64_t srr1)
{
	for (size_t i = 0; i < processor->nr_srr1_causes; i++)
		if ((srr1 & SRR1_CODE) == processor->srr1_causes[i].srr1)
			return &processor->srr1_causes[i];
	return NULL;
}

static const struct dsisr_cause *find_dsisr_cause(const struct processor *processor, uint32_t dsisr)
{
	for (size_t i = 0; i < processor->nr_dsisr_causes; i++)
		if (dsisr & processor->dsisr_causes[i].dsisr)
			return &processor->dsisr_causes[i];
	return NULL;
}

static void analyse_fetch(const struct srr1_cause *cause, uint64_t nip,
			  struct fwnmi_machine_check *mc)
{
	set_cause(mc, cause->error_type, cause->error_subtype, cause->severity);
	set_effective_address(mc, cause->nip_valid, nip);
	if (cause->severity == FATAL)
		mc->disposition = FWNMI_DISPOSITION_NOT_RECOVERED;
}

static void analyse_load_store(const struct processor *processor, uint32_t dsisr, uint64_t dar,
			       struct fwnmi_machine_check *mc)
{
	const struct dsisr_cause *cause = find_dsisr_cause(processor, dsisr);

	if (processor->spurious_dsisr && dsisr == processor->spurious_dsisr) {
		mc->severity = FWNMI_SEVERITY_WARNING;
		mc->disposition = FWNMI_DISPOSITION_FULLY_RECOVERED;
	} else if (cause) {
		set_cause(mc, cause->error_type, cause->error_subtype, cause->severity);
		set_effective_address(mc, cause->dar_valid, dar);
		set_dar(mc, cause->dar_valid, dar);
	}
}

int fwnmi_mce_analyse(uint32_t pvr, enum fwnmi_disposition disposition, uint64_t nip, uint64_t srr1,
		      uint32_t dsisr, uint64_t dar, struct fwnmi_machine_check *mc)
{
	const struct processor *processor = find_processor(pvr);
	const struct srr1_cause *fetch = find_srr1_cause(processor, srr1);

	if (!mc)
		return FWNMI_ERR_INVALID;
	memset(mc, 0, sizeof(*mc));
	if (!fwnmi_disposition_name(disposition))
		return FWNMI_ERR_INVALID;
	mc->disposition = (uint8_t)disposition;
	mc->initiator = FWNMI_INITIATOR_CPU;
	mc->srr1 = srr1 & FWNMI_SRR1_CAUSE_MASK;
	if (srr1 & FWNMI_SRR1_MC_LOADSTORE)
		mc->dsisr = dsisr;
	set_cause(mc, FWNMI_MC_UNKNOWN, 0, FWNMI_SEVERITY_ERROR_SYNC);

	/* A store that fails later sets bit 42, but its cause is in SRR1 and DSISR is stale. */
	if (fetch && (!(srr1 & FWNMI_SRR1_MC_LOADSTORE) || fetch->severity == FATAL))
		analyse_fetch(fetch, nip, mc);
	else if (srr1 & FWNMI_SRR1_MC_LOADSTORE)
		analyse_load_store(processor, dsisr, dar, mc);
	return 0;
}

bool fwnmi_mce_repairable(const struct fwnmi_machine_check *mc)
{
	return mc && (mc->error_type == FWNMI_MC_SLB || mc->error_type == FWNMI_MC_ERAT ||
		      mc->error_type == FWNMI_MC_TLB);
}

int fwnmi_mce_synthesise(uint32_t pvr, struct fwnmi_machine_check *mc)
{
	const struct processor *processor = find_processor(pvr);

	if (!mc)
		return FWNMI_ERR_INVALID;
	mc->srr1 = 0;
	mc->dsisr = 0;
	set_dar(mc, false, 0);
	if (mc->error_type == FWNMI_MC_UNKNOWN) /* many causes map to it, so none is right */
		return FWNMI_ERR_NO_CAUSE;

	for (size_t i = 0; i < processor->nr_dsisr_causes; i++) {
		const struct dsisr_cause *cause = &processor->dsisr_causes[i];

		if (cause->error_type != mc->error_type ||
		    cause->error_subtype != mc->error_subtype)
			continue;
		mc->srr1 = FWNMI_SRR1_MC_LOADSTORE;
		mc->dsisr = cause->dsisr;
		set_dar(mc, cause->dar_valid && mc->effective_address_valid, mc->effective_address);
		return 0;
	}
	for (size_t i = 0; i < processor->nr_srr1_causes; i++) {
		const struct srr1_cause *cause = &processor->srr1_causes[i];

		if (cause->error_type != mc->error_type ||
		    cause->error_subtype != mc->error_subtype)
			continue;
		mc->srr1 = cause->srr1;
		return 0;
	}
	return FWNMI_ERR_NO_CAUSE;
}
