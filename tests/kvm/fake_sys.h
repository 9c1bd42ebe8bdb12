/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A fake of kvm-hv on a POWER host, as the KVM engine sees it through struct kvm_sys. It answers
 * every call as the test's script says, runs a guest of a few instructions, and records all calls.
 * It refuses what Linux Documentation/virt/kvm/api.rst and arch/powerpc/kvm/ refuse, and notes
 * forbidden calls in `misuse`.
 */
#ifndef FWNMI_TESTS_KVM_FAKE_SYS_H
#define FWNMI_TESTS_KVM_FAKE_SYS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "engine/kvm/abi.h"
#include "engine/kvm/sys.h"
#include "isa/lpcr.h"

#define FAKE_CAPABILITIES 256
#define FAKE_VMS	  32
#define FAKE_VCPUS	  ENGINE_MAX_VCPUS
#define FAKE_EVENTS	  32
#define FAKE_RULES	  16
#define FAKE_CALLS	  4096
#define FAKE_ANY	  UINT64_MAX /* fake_rule.argument */
#define FAKE_PVR	  0x004e1203u

#define FAKE_FULLY_RECOVERED 1u /* fake_event.flags: see kvm_run.flags */

/* ---- the guest: instructions in its memory, and events that they cause ---- */

/* Event n of fake.events, from 1; otherwise an illegal instruction. */
#define INSN_EVENT(n)	  (n)
#define INSN_LOOP	  0x48000000u /* b . : runs until an event from outside */
#define INSN_B(distance)  (0x48000000u | ((distance)&0x03fffffcu))
#define INSN_SC_1	  0x44000022u
#define INSN_RFID	  0x4c000024u
#define INSN_LI(rt, n)	  (0x38000000u | (rt) << 21 | ((n)&0xffffu))
#define INSN_LIS(rt, n)	  (0x3c000000u | (rt) << 21 | ((n)&0xffffu))
#define INSN_ORI(rt, n)	  (0x60000000u | (rt) << 21 | (rt) << 16 | ((n)&0xffffu))
#define INSN_STD(rs, at)  (0xf8000000u | (rs) << 21 | ((at)&0x7ffcu)) /* to a low real address */
#define INSN_LD(rt, at)	  (0xe8000000u | (rt) << 21 | ((at)&0x7ffcu))
#define INSN_LD_0(rt, ra) (0xe8000000u | (rt) << 21 | (ra) << 16)
#define INSN_STW(rs, ra)  (0x90000000u | (rs) << 21 | (ra) << 16)
#define INSN_MTMSRD(rs)	  (0x7c010164u | (rs) << 21) /* EE and RI only */
#define INSN_MTSRR(n, rs) (0x7c1a03a6u | (rs) << 21 | (n) << 16)
#define INSN_MFSRR(rt, n) (0x7c1a02a6u | (rt) << 21 | (n) << 16)
#define INSN_MTSPRG(n, r) (0x7c1043a6u | (r) << 21 | (n) << 16)
#define INSN_MFSPRG(r, n) (0x7c1042a6u | (r) << 21 | (n) << 16)

enum fake_event_kind {
	FAKE_NOP,
	FAKE_SKIP, /* the next instruction is not executed */
	FAKE_DECREMENTER, /* interrupts in `value` ticks */
	FAKE_MACHINE_CHECK, /* an exit with KVM_CAP_PPC_FWNMI, else the guest's interrupt 0x200 */
	FAKE_MMIO, /* an access to `address`, where there is no memory */
	FAKE_EXIT, /* KVM_RUN returns with exit_reason `reason` and `value` in its place */
	FAKE_ERROR, /* KVM_RUN returns -`error` */
};

struct fake_event {
	enum fake_event_kind kind;
	unsigned times; /* then the guest continues after it; 0 means 1 */
	/* FAKE_MACHINE_CHECK */
	uint64_t srr1, dar;
	uint32_t dsisr, flags;
	/* FAKE_MMIO */
	uint64_t address;
	unsigned length, pieces; /* pieces: number of exits for it; 0 means 1 */
	bool write;
	unsigned rt; /* a load changes this register */
	/* FAKE_EXIT, FAKE_DECREMENTER, FAKE_ERROR */
	uint32_t reason;
	uint64_t value;
	int error;
};

/* ---- what KVM answers ---- */

/*
 * Calls of this request with this argument (capability, register, ...) return `result`, without
 * effect.
 */
struct fake_rule {
	unsigned long request;
	uint64_t argument; /* or FAKE_ANY */
	unsigned skip, times; /* skips `skip` calls, then applies to `times`; times 0: to all */
	int result;
	uint32_t exit_reason; /* of a KVM_RUN */
	unsigned seen;
};

enum fake_call_kind {
	FAKE_CALL_OPEN,
	FAKE_CALL_IOCTL,
	FAKE_CALL_MAP,
	FAKE_CALL_UNMAP,
	FAKE_CALL_CLOSE,
};

struct fake_call {
	enum fake_call_kind kind;
	unsigned long request; /* IOCTL */
	uint64_t argument; /* capability, register, index; else 0 */
	int vm, vcpu, result;
};

/* ---- the state of the fake ---- */

struct fake_vcpu {
	struct fake_vm *vm;
	unsigned index;
	struct kvm_run *run;
	struct ppc_kvm_regs regs;
	uint64_t dar, tb_offset, lpcr, dec_expiry;
	uint32_t dsisr, arch_compat;
	bool papr, external;
	unsigned interrupts; /* calls of KVM_INTERRUPT */
	bool in_run; /* a thread is in KVM_RUN */
	pthread_t runner;
	unsigned runs; /* number of KVM_RUN calls that executed guest instructions */
	/* To be completed by the next KVM_RUN. */
	bool hcall_open;
	unsigned mmio_left;
	struct fake_event mmio;
	/* From outside, with fake_strike(). */
	bool struck;
	struct fake_event strike;
	int wake_fd;
};

struct fake_vm {
	bool used;
	uint8_t *memory;
	uint64_t memory_size;
	uint32_t htab_order; /* 0: none allocated */
	unsigned nr_htabs, nr_configurations;
	struct ppc_kvm_mmuv3_cfg mmu;
	bool fwnmi, rpt_invalidate;
	unsigned nr_vcpus;
	struct fake_vcpu vcpus[FAKE_VCPUS];
};

struct fake_kvm {
	/* For the test to set. */
	int open_error, map_error; /* error numbers */
	int api_version, mmap_size;
	uint32_t timebase_hz;
	int capabilities[FAKE_CAPABILITIES]; /* what KVM_CHECK_EXTENSION answers */
	struct fake_rule rules[FAKE_RULES];
	unsigned nr_rules;
	struct fake_event events[FAKE_EVENTS];
	unsigned fail_at; /* which open, ioctl or map fails, counted from 1; 0: none */
	int fail_error;
	unsigned fail_threads,
		fail_callocs; /* number of pthread_create(), calloc() calls that fail */

	/* For the test to read; while vCPUs run, after fake_lock(). */
	struct fake_vm vms[FAKE_VMS];
	unsigned nr_vms;
	struct fake_call calls[FAKE_CALLS];
	unsigned nr_calls, nr_fallible;
	struct fake_call failed; /* what fail_at hit */
	unsigned open_fds, mappings;
	int threads;
	char misuse[160]; /* the first forbidden call, or "" */
};

extern struct fake_kvm fake;
extern const struct kvm_sys fake_sys;

/** fake_start() - a POWER9 host whose KVM can do everything; nothing has been asked yet */
void fake_start(void);
/** fake_rule() - add one, for all calls; returns it for changes */
struct fake_rule *fake_rule(unsigned long request, uint64_t argument, int result);
void fake_lock(void);
void fake_unlock(void);
/** fake_vm() - the virtual machine that was made last */
struct fake_vm *fake_vm(void);
/** fake_vcpu() - a vCPU of it */
struct fake_vcpu *fake_vcpu(unsigned index);
/** fake_strike() - something happens to a vCPU that runs, or as soon as it does */
void fake_strike(unsigned vcpu, const struct fake_event *event);
/** fake_wait_running() - until a vCPU executes guest instructions, or five seconds; false then */
bool fake_wait_running(unsigned vcpu);
/** fake_count() - how often a request was made, with this argument or FAKE_ANY */
unsigned fake_count(unsigned long request, uint64_t argument);
/** fake_first() - the place of the first such call in fake.calls, or UINT32_MAX */
unsigned fake_first(unsigned long request, uint64_t argument);
/** fake_leaks() - what is still open, as a sentence; NULL: nothing, and nothing was misused */
const char *fake_leaks(void);

#endif
