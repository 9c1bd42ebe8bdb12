/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hcall-splpar and hcall-vphn function sets, and H_SIGNAL_SYS_RESET: what a virtual processor
 * tells about itself, and signals to others. LoPAR sections "Shared Processor LPAR Option",
 * "Virtual Processor Home Node".
 */
#include <inttypes.h>

#include "pseries/private.h"

/* LoPAR table "Per Virtual Processor Area". */
#define VPA_SIZE_MIN		  640u
#define VPA_OFFSET_SIZE		  0x04
#define VPA_OFFSET_STATUS	  0x09
#define VPA_STATUS_SHARED	  0x02
#define VPA_OFFSET_DTL_MASK	  0xb8
#define VPA_OFFSET_DISPATCH_COUNT 0x100
#define VPA_OFFSET_READY_ENQUEUE  0x160 /* time base ticks between ready and enqueued, summed */
#define VPA_OFFSET_DTL_INDEX	  0x218
#define VPA_ALIGNMENT		  128u
#define VPA_PAGE		  4096u

#define DTL_ENTRY_SIZE 48u
#define DTL_PREEMPT    0x02 /* VPA_OFFSET_DTL_MASK: log preemptions */
#define DTL_CEDE       0x01 /* and voluntary waits */
#define SLB_SHADOW_MIN 8u

/* LoPAR figure "SLB Shadow Buffer": how many entries are persistent; from here on the entries */
#define SLB_SHADOW_ENTRIES    16u
#define SLB_SHADOW_ENTRY_SIZE 16u

/*
 * The size that the guest wrote at offset 4 of @area: 16 bits for a VPA, 32 bits otherwise. Returns
 * 0 if it is outside RAM.
 */
static uint32_t area_size(const struct papr *papr, uint64_t area, unsigned bytes)
{
	uint8_t size[4];

	if (!memory_contains(papr->memory, area, 8) ||
	    !memory_read(papr->memory, area + VPA_OFFSET_SIZE, size, 4))
		return 0;
	return bytes == 2 ? get_be32(size) >> 16 : get_be32(size);
}

static bool within_page(uint64_t area, uint32_t size)
{
	return area % VPA_PAGE + size <= VPA_PAGE;
}

static int64_t register_vpa(struct papr *papr, struct papr_vcpu *v, uint64_t area)
{
	uint32_t size = area_size(papr, area, 2);
	uint8_t status = 0;

	if (size < VPA_SIZE_MIN || !within_page(area, size) ||
	    !memory_contains(papr->memory, area, size))
		return H_PARAMETER;
	v->vpa = area;
	memory_read(papr->memory, area + VPA_OFFSET_STATUS, &status, 1);
	status |= VPA_STATUS_SHARED;
	memory_write(papr->memory, area + VPA_OFFSET_STATUS, &status, 1);
	memory_write_be32(papr->memory, area + VPA_OFFSET_DISPATCH_COUNT, v->dispatch_count);
	return H_SUCCESS;
}

static int64_t register_dtl(struct papr *papr, struct papr_vcpu *v, uint64_t area)
{
	uint32_t size = area_size(papr, area, 4);

	if (size < DTL_ENTRY_SIZE || !memory_contains(papr->memory, area, size))
		return H_PARAMETER;
	if (!v->vpa)
		return H_RESOURCE;
	v->dtl = area;
	v->dtl_entries = size / DTL_ENTRY_SIZE;
	v->dtl_index = 0;
	memory_write_be64(papr->memory, v->vpa + VPA_OFFSET_DTL_INDEX, 0);
	return H_SUCCESS;
}

static int64_t register_slb_shadow(struct papr *papr, struct papr_vcpu *v, uint64_t area)
{
	uint32_t size = area_size(papr, area, 4);

	if (size < SLB_SHADOW_MIN || size > VPA_PAGE || !within_page(area, size) ||
	    !memory_contains(papr->memory, area, size))
		return H_PARAMETER;
	if (!v->vpa)
		return H_RESOURCE;
	v->slb_shadow = area;
	size = size < SLB_SHADOW_ENTRIES ? 0 : (size - SLB_SHADOW_ENTRIES) / SLB_SHADOW_ENTRY_SIZE;
	v->slb_shadow_entries = (uint8_t)(size < SLB_ENTRIES ? size : SLB_ENTRIES);
	return H_SUCCESS;
}

bool slb_restore(struct papr *papr, unsigned vcpu)
{
	const struct engine_ops *ops = papr->config.engine_ops;
	const struct papr_vcpu *v = &papr->vcpu[vcpu];
	struct engine_slb_entry slb[SLB_ENTRIES] = { { 0 } };
	uint32_t count;

	if (!v->slb_shadow || !ops->set_slb ||
	    !memory_read_be32(papr->memory, v->slb_shadow, &count))
		return false;
	if (count > v->slb_shadow_entries)
		count = v->slb_shadow_entries;
	for (uint32_t i = 0; i < count; i++) {
		const uint64_t entry =
			v->slb_shadow + SLB_SHADOW_ENTRIES + i * SLB_SHADOW_ENTRY_SIZE;

		if (!memory_read_be64(papr->memory, entry, &slb[i].esid) ||
		    !memory_read_be64(papr->memory, entry + 8, &slb[i].vsid))
			return false;
		slb[i].esid &= ~SLB_INDEX;
	}
	ops->set_slb(papr->config.engine, vcpu, slb);
	return true;
}

void papr_slb_repaired(struct papr *papr, unsigned vcpu)
{
	slb_restore(papr, vcpu);
}

/* r4 flags with the subfunction in bits 16:18, r5 processor number, r6 real address. */
static int64_t h_register_vpa(struct hcall *call)
{
	struct papr *papr = call->papr;
	uint64_t area = call->args[2];
	struct papr_vcpu *v;

	if (!papr_vcpu_exists(papr, call->args[1]))
		return H_PARAMETER;
	v = &papr->vcpu[call->args[1]];
	switch (call->args[0] >> (63 - 18) & 7) {
	case 1:
		return area % VPA_ALIGNMENT ? H_PARAMETER : register_vpa(papr, v, area);
	case 2:
		return area % VPA_ALIGNMENT ? H_PARAMETER : register_dtl(papr, v, area);
	case 3:
		return area % VPA_ALIGNMENT ? H_PARAMETER : register_slb_shadow(papr, v, area);
	case 5:
		if (v->dtl || v->slb_shadow)
			return H_RESOURCE;
		v->vpa = 0;
		return H_SUCCESS;
	case 6:
		v->dtl = 0;
		v->dtl_entries = 0;
		return H_SUCCESS;
	case 7:
		v->slb_shadow = 0;
		v->slb_shadow_entries = 0;
		return H_SUCCESS;
	default:
		return H_PARAMETER;
	}
}

/*
 * LoPAR table "Dispatch Trace Log Buffer Entry". The VPA's index moves only after the entry is
 * complete.
 */
static void log_dispatch(struct papr *papr, struct papr_vcpu *v, unsigned vcpu, bool waited,
			 uint64_t now)
{
	uint8_t entry[DTL_ENTRY_SIZE] = { 0 };
	uint8_t mask = 0;

	if (!v->dtl || !memory_read(papr->memory, v->vpa + VPA_OFFSET_DTL_MASK, &mask, 1) ||
	    !(mask & (waited ? DTL_CEDE : DTL_PREEMPT)))
		return;
	entry[1] = waited ? 2 : 1; /* preempt reason: ceded, time slice ended */
	entry[3] = (uint8_t)vcpu;
	put_be32(entry + (waited ? 12 : 8),
		 (uint32_t)(now - v->ready_since)); /* waiting to ready, ready to enqueued */
	put_be64(entry + 16, now);
	memory_write(papr->memory, v->dtl + v->dtl_index % v->dtl_entries * DTL_ENTRY_SIZE, entry,
		     sizeof(entry));
	v->dtl_index++;
	memory_write_be64(papr->memory, v->vpa + VPA_OFFSET_DTL_INDEX, v->dtl_index);
}

void papr_vcpu_dispatch(struct papr *papr, unsigned vcpu, bool running)
{
	struct papr_vcpu *v = &papr->vcpu[vcpu];
	bool was_running = v->dispatch_count % 2 == 0;
	uint64_t now;

	if (running == was_running)
		return;
	now = papr_timebase(papr);
	v->dispatch_count++;
	if (running && v->waited) {
		v->waited = false;
		if (v->vpa)
			log_dispatch(papr, v, vcpu, true, now);
	} else if (running && v->vpa) {
		uint64_t stolen = 0;

		memory_read_be64(papr->memory, v->vpa + VPA_OFFSET_READY_ENQUEUE, &stolen);
		memory_write_be64(papr->memory, v->vpa + VPA_OFFSET_READY_ENQUEUE,
				  stolen + now - v->ready_since);
		log_dispatch(papr, v, vcpu, false, now);
	} else {
		v->ready_since = now;
		v->waited = papr_vcpu_state(papr, vcpu) == VCPU_CEDED;
	}
	if (v->vpa)
		memory_write_be32(papr->memory, v->vpa + VPA_OFFSET_DISPATCH_COUNT,
				  v->dispatch_count);
}

static int64_t h_cede(struct hcall *call)
{
	call->regs.msr |= MSR_EE;
	call->action = PAPR_CEDE;
	return H_SUCCESS;
}

/* r4 processor or -1 for all, r5 its dispatch count as the caller saw it. */
static int64_t h_confer(struct hcall *call)
{
	struct papr *papr = call->papr;
	int32_t target = (int32_t)call->args[0];

	if (target != -1 && (target < 0 || !papr_vcpu_exists(papr, (uint64_t)target)))
		return H_PARAMETER;
	if (target == (int32_t)call->vcpu) {
		/* The caller must expect to come back early: here, once others had a turn. */
		call->action = PAPR_AWAIT_PROD;
		return H_SUCCESS;
	}
	if (target != -1) {
		uint32_t count = papr->vcpu[target].dispatch_count;

		if (count != (uint32_t)call->args[1] || count % 2 == 0)
			return H_SUCCESS;
	}
	call->action = PAPR_YIELD;
	return H_SUCCESS;
}

static int64_t h_prod(struct hcall *call)
{
	struct papr *papr = call->papr;

	if (!papr_vcpu_exists(papr, call->args[0]))
		return H_PARAMETER;
	papr->config.host.vcpu_prod(papr->config.host.opaque, (unsigned)call->args[0]);
	return H_SUCCESS;
}

/* A partition of n virtual processors entitled to n whole ones, capped. */
static int64_t h_get_ppp(struct hcall *call)
{
	uint64_t n = call->papr->config.nr_vcpus;

	call->args[0] = 100 * n;
	call->args[1] = 0;
	call->args[2] = 0;
	call->args[3] = 1ull << 48 | n << 16 |
			n; /* capped; processors of the pool, of the platform */
	call->args[4] = n << 48 | 100 * n << 24 | 100 * n;
	return H_SUCCESS;
}

/* The configuration fixes both values: only a call that keeps them succeeds. */
static int64_t h_set_ppp(struct hcall *call)
{
	uint64_t n = call->papr->config.nr_vcpus;

	if (call->args[1] > 255)
		return H_PARAMETER;
	return call->args[0] == 100 * n && call->args[1] == 0 ? H_SUCCESS : H_CONSTRAINED;
}

/* Utilization in ticks: instructions executed, at the rate of CLOCK_INSN. */
static int64_t h_purr(struct hcall *call)
{
	const struct papr_config *config = &call->papr->config;

	call->args[0] = config->engine_ops->insns(config->engine, call->vcpu) / INSNS_PER_TICK;
	return H_SUCCESS;
}

/*
 * r4 flags (1: r5 is a processor number); out r4-r9 associativity, 16-bit fields, high bit = whole
 * in this one.
 */
static int64_t h_home_node_associativity(struct hcall *call)
{
	if (call->args[0] != 1 && call->args[0] != 2)
		return H_PARAMETER;
	if (!papr_vcpu_exists(call->papr, call->args[1]))
		return H_P2;
	/* As in ibm,associativity: domains 0 0 0 0, then the processor. */
	call->args[1] = (0x8000ull | call->args[1]) << 48 | 0x0000ffffffffffffull;
	call->args[0] = 0x8000800080008000ull;
	for (unsigned i = 2; i < 6; i++)
		call->args[i] = ~0ull;
	return H_SUCCESS;
}

/* r4: a processor, -1 all, -2 all but the caller. Not in LoPAR; this follows Linux's call. */
static int64_t h_signal_sys_reset(struct hcall *call)
{
	struct papr *papr = call->papr;
	int64_t target = (int64_t)call->args[0];

	if (target < -2 || (target >= 0 && !papr_vcpu_exists(papr, (uint64_t)target)))
		return H_PARAMETER;
	if (target >= 0 && !papr_vcpu_started(papr, (unsigned)target))
		return H_PARAMETER;
	for (unsigned i = 0; i < papr->config.nr_vcpus; i++) {
		if (!papr_vcpu_started(papr, i) || (target >= 0 && i != (unsigned)target))
			continue;
		if (i != call->vcpu || target != -2)
			papr_signal_system_reset(papr, i);
	}
	return H_SUCCESS;
}

const struct hcall_entry splpar_hcalls[] = {
	{ 0x0dc, h_register_vpa, .function_set = "hcall-splpar" },
	{ 0x0e0, h_cede, .function_set = "hcall-splpar" },
	{ 0x0e4, h_confer, .function_set = "hcall-splpar" },
	{ 0x0e8, h_prod, .function_set = "hcall-splpar" },
	{ 0x0ec, h_get_ppp, .function_set = "hcall-splpar" },
	{ 0x0f0, h_set_ppp, .function_set = "hcall-splpar" },
	{ 0x0f4, h_purr, .function_set = "hcall-splpar" },
	{ 0x2ec, h_home_node_associativity, .function_set = "hcall-vphn" },
	{ 0x380, .handler = h_signal_sys_reset }, /* Linux tries it */
	{ 0 },
};
