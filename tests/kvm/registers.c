/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fwnmi/linux_kvm.h on a vCPU that is a struct, for ppc64le under qemu-user. Linked with
 * -Wl,--wrap=ioctl. Ends by a signal at the first thing that is not so.
 */
#include <fwnmi/linux_kvm.h>
#include <stdarg.h>

#include "../fakes/require.h"

enum {
	VCPU = 77,
	BEFORE = 0x111, /* R3 before the exit is completed */
	RESULT = 0x222,
	DSISR_SLB_MULTIHIT = 0x80,
};
#define MSR	     0x8000000000009033ull
#define CAUSE	     0x200000ull /* load or store */
#define LAST_ADDRESS 0xc000000000123456ull

static struct {
	struct kvm_run run;
	struct kvm_regs regs;
	uint32_t dsisr;
	uint64_t dar;
	unsigned runs, cap;
	int run_error; /* of KVM_RUN; 0: another exit */
} vcpu;

int __wrap_ioctl(int fd, unsigned long request, ...);

static int run(void)
{
	require(vcpu.run.immediate_exit); /* else the guest would run */
	vcpu.runs++;
	vcpu.regs.gpr[3] = RESULT;
	vcpu.run.flags = 0;
	errno = vcpu.run_error;
	return vcpu.run_error ? -1 : 0;
}

static int one_reg(const struct kvm_one_reg *reg, bool set)
{
	void *value = (void *)(uintptr_t)reg->addr;
	void *ours = reg->id == KVM_REG_PPC_DSISR ? (void *)&vcpu.dsisr : (void *)&vcpu.dar;
	size_t size = reg->id == KVM_REG_PPC_DSISR ? sizeof(vcpu.dsisr) : sizeof(vcpu.dar);

	require(reg->id == KVM_REG_PPC_DSISR || reg->id == KVM_REG_PPC_DAR);
	memcpy(set ? ours : value, set ? value : ours, size);
	return 0;
}

int __wrap_ioctl(int fd, unsigned long request, ...)
{
	void *argument;
	va_list ap;

	require(fd == VCPU);
	va_start(ap, request);
	argument = va_arg(ap, void *);
	va_end(ap);
	switch (request) {
	case KVM_RUN:
		return run();
	case KVM_GET_REGS:
		memcpy(argument, &vcpu.regs, sizeof(vcpu.regs));
		return 0;
	case KVM_SET_REGS:
		memcpy(&vcpu.regs, argument, sizeof(vcpu.regs));
		return 0;
	case KVM_GET_SREGS:
		((struct kvm_sregs *)argument)->pvr = 0x004e1200;
		return 0;
	case KVM_GET_ONE_REG:
	case KVM_SET_ONE_REG:
		return one_reg(argument, request == KVM_SET_ONE_REG);
	case KVM_ENABLE_CAP:
		vcpu.cap = ((struct kvm_enable_cap *)argument)->cap;
		return 0;
	}
	require(false);
	return -1;
}

static void begin(void)
{
	memset(&vcpu, 0, sizeof(vcpu));
	vcpu.run_error = EINTR;
	for (unsigned i = 0; i < 32; i++)
		vcpu.regs.gpr[i] = BEFORE + i;
	vcpu.regs.gpr[3] = BEFORE;
	vcpu.regs.msr = MSR;
	vcpu.regs.pc = 0x4000;
	vcpu.regs.srr0 = 0x5000;
	vcpu.regs.srr1 = 0x6000;
}

static void an_exit_is_completed_before_registers_are_read(void)
{
	struct fwnmi_regs regs;

	for (uint8_t kicked = 0; kicked < 2; kicked++) {
		begin();
		vcpu.run.immediate_exit = kicked;
		require(fwnmi_kvm_get_regs(VCPU, &vcpu.run, &regs) == 0);
		require(vcpu.runs == 1 && regs.gpr3 == RESULT && regs.nip == 0x4000);
		require(regs.msr == MSR && regs.srr0 == 0x5000 && regs.srr1 == 0x6000);
		require(vcpu.run.immediate_exit == kicked); /* no kick is lost, and none made */
	}
}

static void an_exit_behind_the_exit_is_for_the_host(void)
{
	static const int errors[][2] = { { 0, EAGAIN }, { EFAULT, EFAULT } };
	struct fwnmi_regs regs;

	for (unsigned i = 0; i < 2; i++) {
		begin();
		vcpu.run_error = errors[i][0];
		require(fwnmi_kvm_get_regs(VCPU, &vcpu.run, &regs) == -1);
		require(errno == errors[i][1] && vcpu.runs == 1 && !vcpu.run.immediate_exit);
	}
}

static void an_outcome_changes_what_it_has_and_nothing_else(void)
{
	struct fwnmi_outcome outcome = { .regs = { 1, 2, 3, 4, 5 }, .dsisr = 6, .dar = 7 };

	for (unsigned valid = 0; valid < 2; valid++) {
		begin();
		outcome.dsisr_valid = outcome.dar_valid = valid;
		require(fwnmi_kvm_set_regs(VCPU, &outcome) == 0);
		require(vcpu.regs.gpr[3] == 1 && vcpu.regs.srr0 == 2 && vcpu.regs.srr1 == 3);
		require(vcpu.regs.msr == 4 && vcpu.regs.pc == 5);
		require(vcpu.regs.gpr[2] == BEFORE + 2 && vcpu.regs.gpr[31] == BEFORE + 31);
		require(vcpu.dsisr == (valid ? 6 : 0) && vcpu.dar == (valid ? 7 : 0));
		require(vcpu.runs == 0);
	}
}

static void a_machine_check_is_read_and_leaves_no_cause_in_msr(void)
{
	static const struct {
		uint16_t flags;
		uint8_t disposition;
	} cases[] = {
		{ KVM_RUN_PPC_NMI_DISP_FULLY_RECOV, FWNMI_DISPOSITION_FULLY_RECOVERED },
		{ KVM_RUN_PPC_NMI_DISP_LIMITED_RECOV, FWNMI_DISPOSITION_LIMITED_RECOVERY },
		{ KVM_RUN_PPC_NMI_DISP_NOT_RECOV, FWNMI_DISPOSITION_NOT_RECOVERED },
		{ 0, FWNMI_DISPOSITION_NOT_RECOVERED },
	};
	struct fwnmi_machine_check mc;
	struct fwnmi_regs regs;

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		begin();
		vcpu.regs.msr = MSR | CAUSE;
		vcpu.run.flags = cases[i].flags;
		vcpu.dsisr = DSISR_SLB_MULTIHIT;
		vcpu.dar = LAST_ADDRESS;
		require(fwnmi_kvm_machine_check(VCPU, &vcpu.run, &regs, &mc) == 0);
		require(mc.error_type == FWNMI_MC_SLB && mc.error_subtype == FWNMI_SLB_MULTIHIT);
		require(mc.effective_address_valid && mc.effective_address == LAST_ADDRESS);
		require(mc.disposition == cases[i].disposition && mc.srr1 == CAUSE);
		require(regs.gpr3 == RESULT && regs.msr == MSR && vcpu.regs.msr == MSR);
	}
}

int main(void)
{
	an_exit_is_completed_before_registers_are_read();
	an_exit_behind_the_exit_is_for_the_host();
	an_outcome_changes_what_it_has_and_nothing_else();
	a_machine_check_is_read_and_leaves_no_cause_in_msr();
	begin();
	require(fwnmi_kvm_want_machine_checks(VCPU) == 0 && vcpu.cap == KVM_CAP_PPC_FWNMI);
	return 0;
}
