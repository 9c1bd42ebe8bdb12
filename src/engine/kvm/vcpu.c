/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One vCPU of the KVM engine: its thread, its exits, its registers. What an exit means to the
 * partition is up to the machine. See Linux Documentation/virt/kvm/api.rst, section "The kvm_run
 * structure".
 */
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "engine/kvm/kvm.h"
#include "engine/start_vcpu_thread.h"
#include "isa/model.h"
#include "isa/srr1.h"

/* Interrupts KVM_RUN; the handler does nothing. */
#define KICK_SIGNAL SIGRTMIN

void vcpu_break(struct kvm_vcpu *v, const char *what, int error)
{
	if (!v->broken[0])
		snprintf(v->broken, sizeof(v->broken), "KVM: cannot %s: %s", what, strerror(error));
}

/* ---- registers ---- */

void vcpu_load(struct kvm_vcpu *v)
{
	int rc;

	if (v->cached)
		return;
	rc = vcpu_ioctl(v, PPC_KVM_GET_REGS, &v->regs);
	if (rc >= 0)
		rc = vcpu_get_one(v, PPC_KVM_REG_DAR, &v->dar);
	if (rc >= 0)
		rc = vcpu_get_one(v, PPC_KVM_REG_DSISR, &v->dsisr);
	if (rc < 0) {
		vcpu_break(v, "read a vCPU's registers", -rc);
		memset(&v->regs, 0, sizeof(v->regs));
		v->dar = v->dsisr = 0;
	}
	v->cached = true;
	v->dirty = false;
}

/* Call this before KVM_RUN, which starts by completing the last exit. */
static int store(struct kvm_vcpu *v)
{
	int rc = 0;

	if (v->hcall_open && v->cached) {
		v->run->papr_hcall.ret = v->regs.gpr[3];
		for (unsigned i = 0; i < 9; i++)
			v->run->papr_hcall.args[i] = v->regs.gpr[4 + i];
	}
	if (v->dirty) {
		rc = vcpu_ioctl(v, PPC_KVM_SET_REGS, &v->regs);
		if (rc >= 0)
			rc = vcpu_set_one(v, PPC_KVM_REG_DAR, &v->dar);
		if (rc >= 0)
			rc = vcpu_set_one(v, PPC_KVM_REG_DSISR, &v->dsisr);
	}
	v->hcall_open = v->cached = v->dirty = false;
	return rc < 0 ? rc : 0;
}

/* KVM reads this as the thread enters KVM_RUN; other threads may write it at the same time. */
static void set_immediate_exit(struct kvm_vcpu *v, bool exit)
{
	__atomic_store_n(&v->run->immediate_exit, exit, __ATOMIC_RELAXED);
}

/* ---- exits, in the vCPU's thread ---- */

/*
 * The way out of a trampoline: a real-mode store to an address where no partition has memory, like
 * a write to a device. For such a store KVM uses HSRR0 and HSRR1 and keeps every register. A
 * hypervisor call would lose SRR0 and SRR1, and KVM's entry code CTR and CR0. (Software breakpoints
 * would work too, but not under QEMU: as the host of a KVM it does not pass on HEIR.)
 */
const uint32_t vcpu_trap_code[VCPU_TRAP_CODE_LENGTH] = {
	0x786307c6, /* sldi r3,r3,32 */
	0x90630000, /* stw  r3,0(r3) */
};
#define TRAP_SHIFT 32
#define TRAP_MIN   (1ull << 40) /* no partition has that much memory */
#define TRAP_END   (1ull << 48)

static bool is_trap(const struct kvm_run *run)
{
	uint64_t address = run->mmio.phys_addr;

	return run->mmio.is_write && run->mmio.len == 4 && address >= TRAP_MIN &&
	       address < TRAP_END && !(address & ((1ull << TRAP_SHIFT) - 1));
}

__attribute__((format(printf, 2, 3))) static bool failed(struct kvm_vcpu *v, const char *format,
							 ...)
{
	va_list ap;

	v->exit.reason = ENGINE_EXIT_FAILED;
	va_start(ap, format);
	vsnprintf(v->exit.message, sizeof(v->exit.message), format, ap);
	va_end(ap);
	return true;
}

static bool hcall(struct kvm_vcpu *v)
{
	v->exit.reason = ENGINE_EXIT_HCALL;
	v->hcall_open = true;
	/* If nobody looks at the registers, r3 returns unchanged. */
	v->run->papr_hcall.ret = v->run->papr_hcall.nr;
	v->repeats = true;
	v->rewind = 4;
	return true;
}

static bool machine_check(struct kvm_vcpu *v)
{
	vcpu_load(v);
	v->exit.reason = ENGINE_EXIT_MACHINE_CHECK;
	/* KVM leaves the cause in the MSR that it reports. */
	v->exit.machine_check.srr1 = v->regs.msr & SRR1_REASON;
	v->exit.machine_check.dsisr = v->dsisr;
	v->exit.machine_check.dar = v->dar;
	v->exit.machine_check.dar_valid = true;
	v->exit.machine_check.recovered = (v->run->flags & PPC_KVM_NMI_DISPOSITION_MASK) ==
					  PPC_KVM_NMI_FULLY_RECOVERED;
	v->regs.msr &= ~SRR1_REASON;
	v->dirty = true;
	return true;
}

/*
 * The guest accessed a real address without memory. KVM takes that for a device, but there is none.
 * It is a machine check on the instruction, as on hardware, or the end of the trap code. KVM has
 * already stepped over the instruction and wants its value; a vector load takes several. Afterwards
 * the vCPU is back at the instruction with its old registers.
 */
static bool unbacked(struct kvm_vcpu *v)
{
	uint64_t address = v->run->mmio.phys_addr;
	bool trap = is_trap(v->run);
	int rc;

	vcpu_load(v);
	do {
		memset(v->run->mmio.data, 0, sizeof(v->run->mmio.data));
		set_immediate_exit(v, true);
		rc = vcpu_ioctl(v, PPC_KVM_RUN, NULL);
	} while (rc >= 0 && v->run->exit_reason == KVM_EXIT_MMIO);
	pthread_mutex_lock(&v->engine->lock);
	set_immediate_exit(v, v->stop);
	pthread_mutex_unlock(&v->engine->lock);
	if (rc >= 0 || rc != -EINTR)
		return failed(v,
			      "KVM does not finish an access to 0x%llx, where there is no memory",
			      (unsigned long long)address);
	v->regs.pc -= 4;
	v->dirty = true;
	v->exit.reason = trap ? ENGINE_EXIT_TRAP : ENGINE_EXIT_MACHINE_CHECK;
	v->exit.trap = trap ? address >> TRAP_SHIFT : 0;
	v->exit.machine_check.srr1 = SRR1_MC_LOADSTORE;
	v->exit.machine_check.dsisr = cpu_model_of(v->engine->pvr)->unbacked.data_dsisr;
	v->exit.machine_check.address = address;
	v->exit.machine_check.address_valid = true;
	/* KVM reports a real address, which is the effective one only in real mode. */
	v->exit.machine_check.dar_valid = !(v->regs.msr & MSR_DR);
	v->exit.machine_check.dar = v->exit.machine_check.dar_valid ? address : 0;
	v->repeats = true;
	return true;
}

/* Must the machine handle this exit? If so, v->exit is set. */
static bool take_exit(struct kvm_vcpu *v)
{
	const struct kvm_run *run = v->run;

	memset(&v->exit, 0, sizeof(v->exit));
	v->repeats = false;
	v->rewind = 0;
	switch (run->exit_reason) {
	case KVM_EXIT_PAPR_HCALL:
		return hcall(v);
	case KVM_EXIT_NMI:
		return machine_check(v);
	case KVM_EXIT_MMIO:
		return unbacked(v);
	case KVM_EXIT_INTR:
		return false;
	case KVM_EXIT_FAIL_ENTRY:
		return failed(v, "KVM cannot enter the guest: hardware reason 0x%llx",
			      (unsigned long long)run->fail_entry.hardware_entry_failure_reason);
	case KVM_EXIT_INTERNAL_ERROR:
		return failed(v, "KVM internal error %u", run->internal.suberror);
	case KVM_EXIT_UNKNOWN:
		return failed(v, "KVM left the guest for an unknown interrupt: 0x%llx",
			      (unsigned long long)run->hw.hardware_exit_reason);
	default:
		return failed(v, "unexpected KVM exit %u", run->exit_reason);
	}
}

/* Returns true with v->exit set, or false if the vCPU was asked to stop. */
static bool run_guest(struct kvm_vcpu *v)
{
	for (;;) {
		int rc = vcpu_ioctl(v, PPC_KVM_RUN, NULL);

		if (rc == -EINTR || rc == -EAGAIN) {
			if (__atomic_load_n(&v->stop, __ATOMIC_ACQUIRE))
				return false;
		} else if (rc < 0) {
			memset(&v->exit, 0, sizeof(v->exit));
			v->repeats = false;
			return failed(v, "KVM_RUN: %s", strerror(-rc));
		} else if (take_exit(v)) {
			return true;
		}
	}
}

static void *vcpu_thread(void *arg)
{
	struct kvm_vcpu *v = arg;
	struct kvm_engine *e = v->engine;

	pthread_mutex_lock(&e->lock);
	for (;;) {
		bool exited;

		while (v->state != KVM_VCPU_RUNNING && !v->quit)
			pthread_cond_wait(&v->go, &e->lock);
		if (v->quit)
			break;
		pthread_mutex_unlock(&e->lock);
		exited = run_guest(v);
		pthread_mutex_lock(&e->lock);
		v->state = exited ? KVM_VCPU_EXITED : KVM_VCPU_STILL;
		pthread_cond_broadcast(&e->changed);
		if (exited && e->config.exited)
			e->config.exited(e->config.opaque);
	}
	pthread_mutex_unlock(&e->lock);
	return NULL;
}

/* ---- the thread, seen from outside ---- */

static void kicked(int signal_number)
{
}

int vcpu_start_thread(struct kvm_vcpu *v)
{
	const struct sigaction action = { .sa_handler = kicked };
	int rc;

	pthread_cond_init(&v->go, NULL);
	v->state = KVM_VCPU_STILL;
	v->quit = v->stop = false;
	sigaction(KICK_SIGNAL, &action, NULL);
	rc = start_vcpu_thread(&v->thread, vcpu_thread, v, KICK_SIGNAL,
			       v->engine->config.thread_begins);
	v->has_thread = rc == 0;
	if (rc)
		pthread_cond_destroy(&v->go);
	return rc;
}

void vcpu_end_thread(struct kvm_vcpu *v)
{
	if (!v->has_thread)
		return;
	pthread_mutex_lock(&v->engine->lock);
	vcpu_halt(v);
	v->quit = true;
	pthread_cond_signal(&v->go);
	pthread_mutex_unlock(&v->engine->lock);
	pthread_join(v->thread, NULL);
	pthread_cond_destroy(&v->go);
	v->has_thread = false;
}

void vcpu_let_go(struct kvm_vcpu *v)
{
	int rc = store(v);

	if (rc < 0) {
		vcpu_break(v, "write a vCPU's registers", -rc);
		return;
	}
	v->engine->used = true;
	v->state = KVM_VCPU_RUNNING;
	pthread_cond_signal(&v->go);
}

void vcpu_halt(struct kvm_vcpu *v)
{
	if (v->state != KVM_VCPU_RUNNING)
		return;
	/*
	 * immediate_exit stops a thread that has not yet entered KVM_RUN, the signal one that has.
	 */
	__atomic_store_n(&v->stop, true, __ATOMIC_RELEASE);
	set_immediate_exit(v, true);
	pthread_kill(v->thread, KICK_SIGNAL);
	while (v->state == KVM_VCPU_RUNNING)
		pthread_cond_wait(&v->engine->changed, &v->engine->lock);
	v->stop = false;
	set_immediate_exit(v, false);
}

void vcpu_wait(struct kvm_vcpu *v, uint64_t nanoseconds)
{
	struct timespec end;

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_nsec += (long)(nanoseconds % 1000000000);
	end.tv_sec += (time_t)(nanoseconds / 1000000000) + end.tv_nsec / 1000000000;
	end.tv_nsec %= 1000000000;
	while (v->state == KVM_VCPU_RUNNING &&
	       pthread_cond_timedwait(&v->engine->changed, &v->engine->lock, &end) != ETIMEDOUT)
		;
}

void vcpu_stand_still(struct kvm_vcpu *v)
{
	vcpu_halt(v);
	if (v->state != KVM_VCPU_EXITED || !v->repeats)
		return;
	if (v->rewind) {
		vcpu_load(v);
		v->regs.pc -= v->rewind;
		v->dirty = true;
	}
	v->state = KVM_VCPU_STILL;
}
