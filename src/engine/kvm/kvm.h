/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of the KVM engine share. kvm.c makes and ends virtual machines and is what the
 * machine sees; vcpu.c runs one vCPU and knows its exits and registers.
 *
 * Each vCPU has a thread that does nothing but KVM_RUN. When KVM comes out for something that is
 * the machine's, the thread leaves a struct engine_exit and waits; the machine's own thread finds
 * it in run(), deals with it and lets the vCPU go on. So whatever the machine does it does alone,
 * as with an engine that has no threads.
 */
#ifndef FWNMI_ENGINE_KVM_KVM_H
#define FWNMI_ENGINE_KVM_KVM_H

#include <pthread.h>

#include "engine/engine.h"
#include "engine/kvm/abi.h"
#include "engine/kvm/sys.h"

enum kvm_vcpu_state {
	KVM_VCPU_STILL, /* registers are ours */
	KVM_VCPU_RUNNING,
	KVM_VCPU_EXITED, /* still, and `exit` has not been fetched */
};

struct kvm_vcpu {
	struct kvm_engine *engine;
	unsigned index;
	int fd;
	struct kvm_run *run;
	pthread_t thread;
	bool has_thread;
	pthread_cond_t go;

	/* Under the engine's lock. */
	enum kvm_vcpu_state state;
	bool quit, stop;
	struct engine_exit exit;
	bool repeats; /* `exit` comes again if the vCPU just goes on, after `rewind` bytes back */
	unsigned rewind;

	/* The thread's while RUNNING, else the machine's. */
	bool cached, dirty; /* regs, dar, dsisr: are what KVM has; are newer */
	bool hcall_open; /* KVM will take the hcall's results from kvm_run at the next entry */
	struct ppc_kvm_regs regs;
	uint64_t dar;
	uint32_t dsisr;
	char broken[120]; /* why it can't run any more, or "" */

	bool external;
	int kicked;
};

struct kvm_engine {
	struct engine_config config;
	const struct kvm_sys *sys;
	int kvm_fd, vm_fd;
	size_t run_size;
	pthread_mutex_t lock;
	pthread_cond_t changed; /* a vCPU's state */
	struct kvm_vcpu vcpus[ENGINE_MAX_VCPUS];
	bool used; /* some vCPU has run: a reset needs a new VM */
	bool mc_exit, ail, flush_tlb, radix;
	uint32_t pvr;
	uint64_t tb_offset;
	struct engine_partition partition;
	bool partition_known;
	char broken[160];
	uint32_t random;
};

static inline int vm_ioctl(const struct kvm_engine *e, unsigned long request, const void *argument)
{
	return e->sys->ioctl(e->vm_fd, request, (unsigned long)(uintptr_t)argument);
}

static inline int vcpu_ioctl(const struct kvm_vcpu *v, unsigned long request, const void *argument)
{
	return v->engine->sys->ioctl(v->fd, request, (unsigned long)(uintptr_t)argument);
}

static inline int vcpu_get_one(const struct kvm_vcpu *v, uint64_t reg, void *value)
{
	const struct kvm_one_reg one = { .id = reg, .addr = (uintptr_t)value };

	return vcpu_ioctl(v, PPC_KVM_GET_ONE_REG, &one);
}

static inline int vcpu_set_one(const struct kvm_vcpu *v, uint64_t reg, const void *value)
{
	const struct kvm_one_reg one = { .id = reg, .addr = (uintptr_t)value };

	return vcpu_ioctl(v, PPC_KVM_SET_ONE_REG, &one);
}

/** vcpu_trap_code - engine_ops.trap_code, the same for every vCPU */
#define VCPU_TRAP_CODE_LENGTH 2
extern const uint32_t vcpu_trap_code[VCPU_TRAP_CODE_LENGTH];

/* Of vcpu.c. Those marked (lock) want the engine's lock held. */

/** vcpu_start_thread() - returns 0 or an error number */
int vcpu_start_thread(struct kvm_vcpu *v);
/** vcpu_end_thread() - the vCPU's thread ends, wherever it is. */
void vcpu_end_thread(struct kvm_vcpu *v);
/** vcpu_let_go() - (lock) a vCPU that is STILL runs. */
void vcpu_let_go(struct kvm_vcpu *v);
/** vcpu_halt() - (lock) it does not run any more when this returns. */
void vcpu_halt(struct kvm_vcpu *v);
/** vcpu_wait() - (lock) until it has exited or the time is over. */
void vcpu_wait(struct kvm_vcpu *v, uint64_t nanoseconds);
/** vcpu_stand_still() - (lock) halt it between two instructions: an exit that can be repeated has
 * not happened. */
void vcpu_stand_still(struct kvm_vcpu *v);
/** vcpu_load() - have its registers in `regs`, `dar`, `dsisr`; zeros, and `broken`, if KVM does not
 * tell. */
void vcpu_load(struct kvm_vcpu *v);
void vcpu_break(struct kvm_vcpu *v, const char *what, int error);

#endif
