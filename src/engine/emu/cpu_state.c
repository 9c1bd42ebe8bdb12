/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The embedded engine's architected state: all that another engine needs to go on as this one
 * would. Outside of run() a vCPU is between two instructions and has no exception pending, so NIP
 * and registers are nearly all. But interrupts are looked at between blocks only, and turns end
 * there, so what is left of a block that a stop has interrupted is state, too. The partition saves
 * its settings itself: set_partition().
 */
#include "base/record.h"
#include "engine/emu/mmu/mmu.h"
#include "engine/emu/private.h"
#include "engine/emu/cpu_state.h"
#include "isa/spr.h"

#define NUMBER(member, max) RECORD_NUMBER(struct cpu, member, max)
#define ARRAY(member, max)  RECORD_ARRAY(struct cpu, member, max)
/* Doubleword @i of each vector-scalar register, from the left. */
#define VSRS(i)                                                                                \
	{                                                                                      \
		.name = "vsr.d" #i, .offset = offsetof(struct cpu, vsr[0].d[VSR_INDEX(2, i)]), \
		.stride = sizeof(union vsr), .max = UINT64_MAX, .count = 64, .width = 8,       \
	}

static const struct record_field cpu_fields[] = {
	ARRAY(gpr, UINT64_MAX),
	NUMBER(nip, UINT64_MAX),
	NUMBER(msr, UINT64_MAX),
	NUMBER(lr, UINT64_MAX),
	NUMBER(ctr, UINT64_MAX),
	NUMBER(tar, UINT64_MAX),
	ARRAY(cr, 15),
	NUMBER(so, 1),
	NUMBER(ov, 1),
	NUMBER(ca, 1),
	NUMBER(ov32, 1),
	NUMBER(ca32, 1),
	NUMBER(xer_count, 127),
	NUMBER(xer_other, UINT64_MAX),
	VSRS(0),
	VSRS(1),
	NUMBER(fpscr, UINT64_MAX),
	NUMBER(vscr, UINT32_MAX),
	NUMBER(vrsave, UINT32_MAX),
	NUMBER(reserved, true),
	NUMBER(reserve_size, 16),
	NUMBER(reserve_ra, UINT64_MAX),
	NUMBER(has_copied, true),
	ARRAY(copied, UINT64_MAX),
	NUMBER(srr0, UINT64_MAX),
	NUMBER(srr1, UINT64_MAX),
	NUMBER(dar, UINT64_MAX),
	NUMBER(dsisr, UINT32_MAX),
	ARRAY(sprg, UINT64_MAX),
	NUMBER(cfar, UINT64_MAX),
	NUMBER(pidr, UINT32_MAX),
	NUMBER(amr, UINT64_MAX),
	NUMBER(iamr, UINT64_MAX),
	NUMBER(uamor, UINT64_MAX),
	NUMBER(fscr, UINT64_MAX),
	NUMBER(ctrl, UINT64_MAX),
	NUMBER(dscr, UINT64_MAX),
	NUMBER(ppr, UINT64_MAX),
	NUMBER(tidr, UINT64_MAX),
	NUMBER(psscr, UINT64_MAX),
	NUMBER(ebbhr, UINT64_MAX),
	NUMBER(ebbrr, UINT64_MAX),
	NUMBER(bescr, UINT64_MAX),
	NUMBER(dexcr, UINT64_MAX),
	NUMBER(hashkeyr, UINT64_MAX),
	NUMBER(pspb, UINT32_MAX),
	NUMBER(wort, WORT_BITS),
	ARRAY(mmcr, UINT64_MAX),
	NUMBER(mmcra, UINT64_MAX),
	NUMBER(siar, UINT64_MAX),
	NUMBER(sdar, UINT64_MAX),
	ARRAY(sier, UINT64_MAX),
	ARRAY(pmc, UINT32_MAX),
	NUMBER(ciabr, UINT64_MAX),
	ARRAY(dawr, UINT64_MAX),
	ARRAY(dawrx, UINT64_MAX),
	RECORD_EACH(struct cpu, slb, esid, UINT64_MAX),
	RECORD_EACH(struct cpu, slb, vsid, UINT64_MAX),
	NUMBER(dec_expiry, UINT64_MAX),
	NUMBER(external, true),
	NUMBER(doorbell, true),
	NUMBER(insns, INT64_MAX), /* so that what lies ahead can be added */
	NUMBER(patience_ends, UINT64_MAX),
	NUMBER(may_pass_time, true),
	NUMBER(paused, true),
	NUMBER(block_left, BLOCK_MAX_INSNS),
	NUMBER(yields, true),
	NUMBER(met_device, true),
};

static const struct record_type cpu_record = {
	.name = "power9-vcpu",
	.fields = cpu_fields,
	.nr_fields = sizeof(cpu_fields) / sizeof(cpu_fields[0]),
};

static const struct record_field engine_fields[] = {
	RECORD_NUMBER(struct power_engine, last_run, ENGINE_MAX_VCPUS),
	RECORD_NUMBER(struct power_engine, random, UINT64_MAX),
	RECORD_NUMBER(struct power_engine, nr_planted, ENGINE_MAX_PLANTED),
	RECORD_EACH(struct power_engine, planted, first, UINT64_MAX),
	RECORD_EACH(struct power_engine, planted, last, UINT64_MAX),
	RECORD_EACH(struct power_engine, planted, pid, UINT32_MAX),
	RECORD_EACH(struct power_engine, planted, segment, UINT64_MAX),
	RECORD_EACH(struct power_engine, planted, vcpu, ENGINE_MAX_VCPUS - 1),
	RECORD_EACH(struct power_engine, planted, where, ENGINE_SLB),
	RECORD_EACH(struct power_engine, planted, multihit, true),
	RECORD_EACH(struct power_engine, planted, recovered, true),
};

static const struct record_type engine_record = {
	.name = "power9",
	.fields = engine_fields,
	.nr_fields = sizeof(engine_fields) / sizeof(engine_fields[0]),
};

unsigned cpu_parts(struct engine *engine, struct record_part *parts)
{
	struct power_engine *e = (struct power_engine *)engine;

	for (unsigned i = 0; i < e->nr_vcpus; i++)
		parts[i] = (struct record_part){ &cpu_record, e->cpus[i] };
	parts[e->nr_vcpus] = (struct record_part){ &engine_record, e };
	return e->nr_vcpus + 1;
}

void cpu_loaded(struct engine *engine)
{
	struct power_engine *e = (struct power_engine *)engine;

	for (unsigned i = 0; i < e->nr_vcpus; i++) {
		struct cpu *cpu = e->cpus[i];

		cpu->nip &= ~3ull;
		cpu->watch = ENGINE_NO_WATCH;
		cpu->stop_at = ENGINE_NO_STOP;
		cpu->nr_watches = 0;
		cpu->msr_watched = 0;
		cpu->pid_watched = cpu->state_changed = false;
		cpu->watch_told = false;
		cpu->data_keys.user = cpu->amr;
		cpu->fetch_keys.user = cpu->iamr;
		pmu_reset(cpu);
		mmu_mode_changed(cpu);
	}
	code_unmark(&e->code);
	mmu_flush_all(e);
}
