/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For hosts on Linux's kvm-hv: a vCPU's registers and machine checks, in the order that KVM wants;
 * fwnmi.h, "KVM", says why. These functions make system calls, which the library does not: they are
 * part of the host that includes them, and on anything but Linux on POWER there are none.
 *
 * The vCPU's thread calls them under the host's lock. immediate_exit is for kicks: it is as before
 * when they return, and a kick sets it under the same lock.
 *
 * All of them return 0, or -1 with errno as the system call that failed has set it. EAGAIN: KVM
 * completes the exit by another one, as within a vector load from a device; handle that one first.
 */
#ifndef FWNMI_LINUX_KVM_H
#define FWNMI_LINUX_KVM_H

#include <fwnmi/fwnmi.h>
#include <fwnmi/mce.h>

#if defined(__linux__) && defined(__powerpc64__)

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>

#include <linux/kvm.h>

#ifdef __cplusplus
extern "C" {
#endif

/* KVM_GET_ONE_REG or KVM_SET_ONE_REG. */
static inline int fwnmi_kvm_one_reg(int vcpu_fd, unsigned long request, uint64_t id,
				    const void *value)
{
	struct kvm_one_reg reg;

	reg.id = id;
	reg.addr = (uintptr_t)value;
	return ioctl(vcpu_fd, request, &reg);
}

/*
 * Ask KVM to exit with KVM_EXIT_NMI at a machine check, when the guest makes its call of
 * ibm,nmi-register: @vcpu_fd is that of the vCPU that makes it.
 */
static inline int fwnmi_kvm_want_machine_checks(int vcpu_fd)
{
	struct kvm_enable_cap cap;

	memset(&cap, 0, sizeof(cap));
	cap.cap = KVM_CAP_PPC_FWNMI;
	return ioctl(vcpu_fd, KVM_ENABLE_CAP, &cap);
}

/* The registers that an event interrupts: those after the pending exit, which is completed. */
static inline int fwnmi_kvm_get_regs(int vcpu_fd, struct kvm_run *run, struct fwnmi_regs *regs)
{
	const uint8_t kicked = run->immediate_exit;
	struct kvm_regs all;

	run->immediate_exit = 1;
	if (ioctl(vcpu_fd, KVM_RUN, 0) == 0)
		errno = EAGAIN;
	run->immediate_exit = kicked;
	if (errno != EINTR || ioctl(vcpu_fd, KVM_GET_REGS, &all) < 0)
		return -1;
	regs->gpr3 = all.gpr[3];
	regs->srr0 = all.srr0;
	regs->srr1 = all.srr1;
	regs->msr = all.msr;
	regs->nip = all.pc;
	return 0;
}

/* FWNMI_DELIVERED: what the outcome says of registers. What it says of memory is the host's. */
static inline int fwnmi_kvm_set_regs(int vcpu_fd, const struct fwnmi_outcome *outcome)
{
	struct kvm_regs all;

	if (ioctl(vcpu_fd, KVM_GET_REGS, &all) < 0)
		return -1;
	all.gpr[3] = outcome->regs.gpr3;
	all.srr0 = outcome->regs.srr0;
	all.srr1 = outcome->regs.srr1;
	all.msr = outcome->regs.msr;
	all.pc = outcome->regs.nip;
	if (outcome->dsisr_valid &&
	    fwnmi_kvm_one_reg(vcpu_fd, KVM_SET_ONE_REG, KVM_REG_PPC_DSISR, &outcome->dsisr) < 0)
		return -1;
	if (outcome->dar_valid &&
	    fwnmi_kvm_one_reg(vcpu_fd, KVM_SET_ONE_REG, KVM_REG_PPC_DAR, &outcome->dar) < 0)
		return -1;
	return ioctl(vcpu_fd, KVM_SET_REGS, &all);
}

/* Linux numbers what became of a machine check; these are no bits. */
static inline enum fwnmi_disposition fwnmi_kvm_disposition(const struct kvm_run *run)
{
	switch (run->flags & KVM_RUN_PPC_NMI_DISP_MASK) {
	case KVM_RUN_PPC_NMI_DISP_FULLY_RECOV:
		return FWNMI_DISPOSITION_FULLY_RECOVERED;
	case KVM_RUN_PPC_NMI_DISP_LIMITED_RECOV:
		return FWNMI_DISPOSITION_LIMITED_RECOVERY;
	}
	return FWNMI_DISPOSITION_NOT_RECOVERED;
}

/* At KVM_EXIT_NMI MSR has the cause bits of SRR1; whatever comes of it, the guest runs without. */
static inline int fwnmi_kvm_clear_cause(int vcpu_fd)
{
	struct kvm_regs all;

	if (ioctl(vcpu_fd, KVM_GET_REGS, &all) < 0)
		return -1;
	all.msr &= ~FWNMI_SRR1_CAUSE_MASK;
	return ioctl(vcpu_fd, KVM_SET_REGS, &all);
}

/* KVM_EXIT_NMI: what fwnmi_machine_check() wants to know of it. */
static inline int fwnmi_kvm_machine_check(int vcpu_fd, struct kvm_run *run, struct fwnmi_regs *regs,
					  struct fwnmi_machine_check *mc)
{
	const enum fwnmi_disposition disposition = fwnmi_kvm_disposition(run);
	struct kvm_sregs sregs;
	uint32_t dsisr;
	uint64_t dar;

	if (fwnmi_kvm_get_regs(vcpu_fd, run, regs) < 0 ||
	    ioctl(vcpu_fd, KVM_GET_SREGS, &sregs) < 0 ||
	    fwnmi_kvm_one_reg(vcpu_fd, KVM_GET_ONE_REG, KVM_REG_PPC_DSISR, &dsisr) < 0 ||
	    fwnmi_kvm_one_reg(vcpu_fd, KVM_GET_ONE_REG, KVM_REG_PPC_DAR, &dar) < 0)
		return -1;
	fwnmi_mce_analyse(sregs.pvr, disposition, regs->nip, regs->msr, dsisr, dar, mc);
	regs->msr &= ~FWNMI_SRR1_CAUSE_MASK;
	return fwnmi_kvm_clear_cause(vcpu_fd);
}

#ifdef __cplusplus
}
#endif

#endif

#endif
