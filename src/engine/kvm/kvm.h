/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Shared by the files of the KVM engine. kvm.c creates and closes virtual machines and implements
 * engine_ops; vcpu.c runs one vCPU and handles its exits and registers.
 *
 * Each vCPU has a thread that only calls KVM_RUN. When KVM exits for something the machine must
 * handle, the thread leaves a struct engine_exit and waits. The machine's own thread finds it in
 * run(), deals with it and lets the vCPU go on. So the machine does its work in one thread, as with
 * an engine that has no threads.
 */
#ifndef FWNMI_ENGINE_KVM_KVM_H
#define FWNMI_ENGINE_KVM_KVM_H

#include <pthread.h>

#include "engine/engine.h"
#include "engine/kvm/abi.h"
#include "engine/kvm/sys.h"

enum kvm_vcpu_state {
	KVM_VCPU_STILL, /* the machine owns the registers */
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

	/* Protected by the engine's lock. */
	enum kvm_vcpu_state state;
	bool quit, stop;
	struct engine_exit exit;
	bool repeats; /* `exit` recurs if the vCPU just continues, `rewind` bytes back */
	unsigned rewind;

	/* Owned by the thread while RUNNING, else by the machine. */
	bool cached, dirty; /* regs, dar, dsisr: equal to KVM's; newer than KVM's */
	bool hcall_open; /* KVM will take the hcall's results from kvm_run at its next entry */
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
	pthread_cond_t changed; /* a vCPU's state has changed */
	struct kvm_vcpu vcpus[ENGINE_MAX_VCPUS];
	bool used; /* some vCPU has run, so a reset needs a new VM */
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

/** vcpu_trap_code - engine_description.trap_code, the same for every vCPU */
#define VCPU_TRAP_CODE_LENGTH 2
extern const uint32_t vcpu_trap_code[VCPU_TRAP_CODE_LENGTH];

/* Functions of vcpu.c. Hold the engine's lock for those marked (lock). */

/** vcpu_start_thread() - returns 0 or an error number */
int vcpu_start_thread(struct kvm_vcpu *v);
/** vcpu_end_thread() - end the vCPU's thread, whatever it is doing. */
void vcpu_end_thread(struct kvm_vcpu *v);
/** vcpu_let_go() - (lock) start a vCPU that is STILL. */
void vcpu_let_go(struct kvm_vcpu *v);
/** vcpu_halt() - (lock) stop the vCPU; it no longer runs when this returns. */
void vcpu_halt(struct kvm_vcpu *v);
/** vcpu_wait() - (lock) wait until it has exited or the time is over. */
void vcpu_wait(struct kvm_vcpu *v, uint64_t nanoseconds);
/**
 * vcpu_stand_still() - (lock) stop it between two instructions. An exit that can be repeated is
 * undone.
 */
void vcpu_stand_still(struct kvm_vcpu *v);
/**
 * vcpu_load() - get its registers into `regs`, `dar`, `dsisr`. If KVM refuses, they are zero and
 * `broken` is set.
 */
void vcpu_load(struct kvm_vcpu *v);
void vcpu_break(struct kvm_vcpu *v, const char *what, int error);

#endif
