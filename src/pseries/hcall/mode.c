/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hcalls about modes of the partition and its processors, translation, and logical memory. LoPAR
 * sections "H_SET_MODE", "H_REGISTER_PROCESS_TABLE", "H_PAGE_INIT", "Debugger Support hcall()s".
 */
#include <inttypes.h>

#include "pseries/private.h"

/* H_SET_MODE resources. */
#define RESOURCE_CIABR			  1
#define RESOURCE_DAWR0			  2
#define RESOURCE_ADDRESS_TRANSLATION_MODE 3
#define RESOURCE_LE			  4
#define RESOURCE_DAWR1			  5

/* The hypervisor's state cannot be asked for: CIABR[PRIV]=3, DAWRX[HYP]. */
#define CIABR_HYPERVISOR 3u
#define DAWRX_HYPERVISOR 4u

/* The answer to flags none of which there is: the highest. */
static int64_t unsupported_flag(uint64_t flags)
{
	return H_UNSUPPORTED_FLAG_BIT(__builtin_clzll(flags));
}

/* An engine without such registers has nothing to turn off. */
static int64_t set_debug_register(struct hcall *call, enum engine_debug_register which,
				  uint64_t value, uint64_t extension)
{
	const struct papr_config *config = &call->papr->config;

	if (config->engine_ops->set_debug_register)
		config->engine_ops->set_debug_register(config->engine, call->vcpu, which, value,
						       extension);
	else if (which == ENGINE_CIABR ? value : extension)
		return H_P2;
	return H_SUCCESS;
}

static int64_t set_ciabr(struct hcall *call, uint64_t value1, uint64_t value2)
{
	if (value2)
		return H_P4;
	if (call->args[0])
		return unsupported_flag(call->args[0]);
	if ((value1 & CIABR_HYPERVISOR) == CIABR_HYPERVISOR)
		return H_P3;
	return set_debug_register(call, ENGINE_CIABR, value1, 0);
}

static int64_t set_dawr(struct hcall *call, enum engine_debug_register which, uint64_t value1,
			uint64_t value2)
{
	if (which == ENGINE_DAWR1 && !cpu_model_has_dawr1(papr_compat(call->papr)))
		return H_P2;
	if (call->args[0])
		return unsupported_flag(call->args[0]);
	if (value2 & DAWRX_HYPERVISOR)
		return H_P4;
	return set_debug_register(call, which, value1, value2);
}

/* LPCR[AIL]. The encoding 1 is reserved, and from ISA 3.1 on 2 is, whatever the guest is told. */
static bool has_ail(const struct papr *papr, uint64_t ail)
{
	if (ail == 2)
		return papr_engine_can(papr, ENGINE_CAP_AIL_2) &&
		       cpu_model_or_default(papr->config.cpu)->isa < 310;
	return ail == 0 || ail == 3;
}

static int64_t set_translation_mode(struct papr *papr, uint64_t flags, uint64_t value1,
				    uint64_t value2)
{
	if (value1)
		return H_P3;
	if (value2)
		return H_P4;
	if (!has_ail(papr, flags))
		return H_UNSUPPORTED_FLAG_BIT(flags <= 2 ? 62 : 61);
	if (flags == 3 && !papr_engine_can(papr, ENGINE_CAP_AIL))
		return H_UNSUPPORTED_FLAG_BIT(63);
	papr->partition.ail = (unsigned)flags;
	papr_set_partition(papr);
	return H_SUCCESS;
}

static int64_t set_interrupt_endian(struct papr *papr, uint64_t flags, uint64_t value1,
				    uint64_t value2)
{
	if (value1)
		return H_P3;
	if (value2)
		return H_P4;
	if (flags > 1)
		return H_UNSUPPORTED_FLAG_BIT(62);
	papr->partition.interrupt_little_endian = flags == 1;
	fwnmi_set_interrupt_endian(papr->fwnmi, flags == 1);
	papr_set_partition(papr);
	trampolines_endian_changed(papr);
	return H_SUCCESS;
}

/* r4 flags, r5 resource, r6 and r7 values. */
static int64_t h_set_mode(struct hcall *call)
{
	const uint64_t *args = call->args;

	switch (args[1]) {
	case RESOURCE_CIABR:
		return set_ciabr(call, args[2], args[3]);
	case RESOURCE_DAWR0:
		return set_dawr(call, ENGINE_DAWR0, args[2], args[3]);
	case RESOURCE_ADDRESS_TRANSLATION_MODE:
		return set_translation_mode(call->papr, args[0], args[2], args[3]);
	case RESOURCE_LE:
		return set_interrupt_endian(call->papr, args[0], args[2], args[3]);
	case RESOURCE_DAWR1:
		return set_dawr(call, ENGINE_DAWR1, args[2], args[3]);
	default:
		return H_P2;
	}
}

/* Flags of H_REGISTER_PROCESS_TABLE: bits 59-60, 61-62, 63. */
#define PROCESS_TABLE_CHANGE 0x10u
#define PROCESS_TABLE_NEW    0x08u
#define PROCESS_TABLE_RADIX  0x04u
#define PROCESS_TABLE_HPT    0x02u
#define PROCESS_TABLE_GTSE   0x01u
#define PROCESS_TABLE_FLAGS  0x1fu

/*
 * May a guest have this? ibm,architecture-vec-5 offers radix, mostly with GTSE, a hash table with
 * segments in the SLB, or the choice of the two. There are no segment tables.
 */
static bool is_offered(const struct papr *papr, uint64_t flags)
{
	if (flags & PROCESS_TABLE_RADIX)
		return papr->offers_radix && !(flags & PROCESS_TABLE_HPT) &&
		       (papr->offers_gtse || !(flags & PROCESS_TABLE_GTSE));
	return papr->offers_hash && !flags;
}

static void set_translation(struct papr *papr, struct engine_partition *partition, uint64_t flags)
{
	const bool deregisters = (flags & (PROCESS_TABLE_CHANGE | PROCESS_TABLE_NEW)) ==
				 PROCESS_TABLE_CHANGE;

	if (!deregisters) {
		partition->radix = flags & PROCESS_TABLE_RADIX;
		partition->gtse = flags & PROCESS_TABLE_GTSE;
	}
	if (partition->radix && !papr->partition.radix)
		hash_table_empty(papr);
	papr->partition = *partition;
	papr_set_partition(papr);
	papr->config.engine_ops->flush_tlb(papr->config.engine, true);
}

/*
 * r4 flags, r5 base, r6 page size, r7 log2(size) - 12. A deregistration may name any mode, and
 * keeps the one there is.
 */
static int64_t h_register_process_table(struct hcall *call)
{
	struct papr *papr = call->papr;
	uint64_t flags = call->args[0], base = call->args[1], page_size = call->args[2],
		 size = call->args[3];
	struct engine_partition partition = papr->partition;

	if (flags & ~(uint64_t)PROCESS_TABLE_FLAGS)
		return H_PARAMETER;
	if (flags & PROCESS_TABLE_CHANGE && !(flags & PROCESS_TABLE_NEW)) {
		if (base)
			return H_P2;
		if (page_size)
			return H_P3;
		if (size)
			return H_P4;
		partition.process_table = 0;
		partition.process_table_size = 0;
	} else if (!is_offered(papr, flags)) {
		return H_PARAMETER;
	} else if (flags & PROCESS_TABLE_CHANGE) {
		if (size > 24)
			return H_P4;
		if (base & 0xfff || !memory_contains(papr->memory, base, 1ull << (size + 12)))
			return H_P2;
		if (page_size)
			return H_P3;
		partition.process_table = base;
		partition.process_table_size = 1ull << (size + 12);
	}
	set_translation(papr, &partition, flags);
	return H_SUCCESS;
}

/* Linux include/asm/hvcall.h, "H_RPT_INVALIDATE". */
#define RPTI_TARGET_ALL	 0x7u /* the processors, this one, those of I/O devices */
#define RPTI_TYPE_NESTED 0x1u
#define RPTI_TYPE_TLB	 0x2u
#define RPTI_TYPE_ALL	 0xeu /* with the page walk cache and process table entries */
#define RPTI_PAGE_ALL	 0xfu /* 4 KiB, 64 KiB, 2 MiB, 1 GiB */

/*
 * r4 process id, r5 targets, r6 types, r7 page sizes, r8 start, r9 end, which is the first address
 * behind, or -1. Pages of all sizes are forgotten, on all processors.
 */
static int64_t h_rpt_invalidate(struct hcall *call)
{
	const uint64_t *args = call->args;
	struct papr_config *config = &call->papr->config;
	uint64_t first = args[4], last = args[5] == UINT64_MAX ? args[5] : args[5] - 1;

	if (args[0] > UINT32_MAX)
		return H_PARAMETER;
	if (!args[1] || args[1] & ~(uint64_t)RPTI_TARGET_ALL)
		return H_P2;
	/* There are no nested guests. */
	if (!args[2] || args[2] & RPTI_TYPE_NESTED || args[2] & ~(uint64_t)RPTI_TYPE_ALL)
		return H_P3;
	if (!(args[3] & RPTI_PAGE_ALL))
		return H_P4;
	if (args[5] < args[4])
		return H_P5;
	/* The others are for the whole process. */
	if (args[2] != RPTI_TYPE_TLB) {
		first = 0;
		last = UINT64_MAX;
	}
	if (args[5] != args[4])
		config->engine_ops->flush_process(config->engine, (uint32_t)args[0], first, last,
						  args[2] & RPTI_TYPE_TLB);
	return H_SUCCESS;
}

/* LoPAR: hcall-sprg0. */
static int64_t h_set_sprg0(struct hcall *call)
{
	call->regs.sprg[0] = call->args[0];
	return H_SUCCESS;
}

/* Flags of H_PAGE_INIT, bits as in LoPAR table "Page Frame Table Access flags field definition". */
#define PAGE_INIT_ICACHE_INVALIDATE  (1ull << (63 - 40))
#define PAGE_INIT_ICACHE_SYNCHRONIZE (1ull << (63 - 41))
#define PAGE_INIT_ZERO		     (1ull << (63 - 48))
#define PAGE_INIT_COPY		     (1ull << (63 - 49))
#define PAGE_INIT_SIZE		     4096u

/* r4 flags, r5 destination, r6 source. */
static int64_t h_page_init(struct hcall *call)
{
	struct guest_memory *memory = call->papr->memory;
	uint64_t flags = call->args[0], destination = call->args[1], source = call->args[2];
	uint8_t page[PAGE_INIT_SIZE] = { 0 };

	if (flags & ~(PAGE_INIT_ICACHE_INVALIDATE | PAGE_INIT_ICACHE_SYNCHRONIZE | PAGE_INIT_ZERO |
		      PAGE_INIT_COPY))
		return H_PARAMETER;
	if (destination % PAGE_INIT_SIZE || !memory_contains(memory, destination, PAGE_INIT_SIZE))
		return H_PARAMETER;
	if (flags & PAGE_INIT_COPY &&
	    (source % PAGE_INIT_SIZE || !memory_read(memory, source, page, PAGE_INIT_SIZE)))
		return H_PARAMETER;
	/*
	 * Writing drops the page's decoded code. The instruction cache flags ask for no more than
	 * that.
	 */
	if (flags & (PAGE_INIT_ZERO | PAGE_INIT_COPY))
		memory_write(memory, destination, page, PAGE_INIT_SIZE);
	return H_SUCCESS;
}

/*
 * These reach RAM alone: a guest maps a device's registers and reaches them itself. Sizes 1, 2, 4,
 * 8, aligned.
 */
static bool ci_access_valid(const struct papr *papr, uint64_t size, uint64_t address)
{
	if (size != 1 && size != 2 && size != 4 && size != 8)
		return false;
	return address % size == 0 && memory_contains(papr->memory, address, size);
}

/* r4 size, r5 address; out r4 value. */
static int64_t h_logical_ci_load(struct hcall *call)
{
	uint64_t size = call->args[0], address = call->args[1];
	uint8_t buf[8] = { 0 };

	if (!ci_access_valid(call->papr, size, address))
		return H_PARAMETER;
	memory_read(call->papr->memory, address, buf + 8 - size, size);
	call->args[0] = get_be64(buf);
	return H_SUCCESS;
}

/* r4 size, r5 address, r6 value. */
static int64_t h_logical_ci_store(struct hcall *call)
{
	uint64_t size = call->args[0], address = call->args[1];
	uint8_t buf[8];

	if (!ci_access_valid(call->papr, size, address))
		return H_PARAMETER;
	put_be64(buf, call->args[2]);
	memory_write(call->papr->memory, address, buf + 8 - size, size);
	return H_SUCCESS;
}

/* Behaviour recommended to the guest, Linux include/asm/hvcall.h. */
#define BEHAVIOUR_NO_L1D_FLUSH_ENTRY   (1ull << (63 - 7))
#define BEHAVIOUR_NO_L1D_FLUSH_UACCESS (1ull << (63 - 8))
#define BEHAVIOUR_NO_STF_BARRIER       (1ull << (63 - 9))

/* A processor that does not speculate needs no mitigation: out r4 characteristics, r5 behaviour. */
static int64_t h_get_cpu_characteristics(struct hcall *call)
{
	call->args[0] = 0;
	call->args[1] = BEHAVIOUR_NO_L1D_FLUSH_ENTRY | BEHAVIOUR_NO_L1D_FLUSH_UACCESS |
			BEHAVIOUR_NO_STF_BARRIER;
	return H_SUCCESS;
}

const struct hcall_entry mode_hcalls[] = {
	{ 0x024, h_set_sprg0, .function_set = "hcall-sprg0" },
	{ 0x02c, h_page_init, .function_set = "hcall-copy" },
	{ 0x03c, h_logical_ci_load, .function_set = "hcall-debug" },
	{ 0x040, h_logical_ci_store, .function_set = "hcall-debug" },
	{ 0x1c8, .handler = h_get_cpu_characteristics }, /* Linux tries it */
	{ 0x31c, h_set_mode, .function_set = "hcall-set-mode" },
	{ 0x37c, .handler = h_register_process_table }, /* ibm,architecture-vec-5 offers radix */
	{ 0x448, h_rpt_invalidate, .function_set = "hcall-rpt-invalidate",
	  .needs = ENGINE_CAP_FLUSH_TLB, .translation = HCALL_RADIX },
	{ 0 },
};
