/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Machine checks for examples/kvm-host.c, which a kvm-hv under QEMU does not report. Linked with
 * -Wl,--wrap=ioctl,--wrap=mmap, this lets each vCPU come back from some calls of KVM_RUN with
 * KVM_EXIT_NMI, as if KVM had met an SLB multihit and recovered from it. All else is KVM's.
 */
#include <linux/kvm.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

int __real_ioctl(int fd, unsigned long request, ...);
int __wrap_ioctl(int fd, unsigned long request, ...);
void *__real_mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset);
void *__wrap_mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset);

#define MSR_RI		   0x2ull
#define SRR1_MC_LOADSTORE  0x200000ull
#define DSISR_SLB_MULTIHIT 0x80u

static struct kvm_run *runs[1024]; /* by descriptor */
static bool enabled;
static __thread bool struck; /* until the host has taken the cause bits out of MSR */

void *__wrap_mmap(void *address, size_t length, int protection, int flags, int fd, off_t offset)
{
	void *at = __real_mmap(address, length, protection, flags, fd, offset);

	if (fd >= 0 && fd < 1024)
		runs[fd] = at;
	return at;
}

/*
 * Instead of a run: KVM completes the last exit, and the machine check hits the next instruction.
 * False: the guest could not return to it.
 */
static bool strike(int fd)
{
	struct kvm_run *run = runs[fd];
	struct kvm_regs regs;

	run->immediate_exit = 1;
	__real_ioctl(fd, KVM_RUN, NULL);
	run->immediate_exit = 0;
	if (__real_ioctl(fd, KVM_GET_REGS, &regs) < 0 || !(regs.msr & MSR_RI))
		return false;
	struck = true;
	run->exit_reason = KVM_EXIT_NMI;
	run->flags = KVM_RUN_PPC_NMI_DISP_FULLY_RECOV;
	return true;
}

int __wrap_ioctl(int fd, unsigned long request, ...)
{
	static __thread unsigned nr_runs;
	void *argument;
	va_list ap;
	int rc;

	va_start(ap, request);
	argument = va_arg(ap, void *);
	va_end(ap);
	if (request == KVM_RUN && struck && !runs[fd]->immediate_exit) {
		fprintf(stderr, "the guest is to run with cause bits in MSR\n");
		_exit(1);
	}
	/* With immediate_exit, the call does not run the guest. */
	if (request == KVM_RUN && enabled && !runs[fd]->immediate_exit && ++nr_runs % 16 == 0 &&
	    strike(fd))
		return 0;
	rc = __real_ioctl(fd, request, argument);
	if (rc == 0 && request == KVM_ENABLE_CAP &&
	    ((struct kvm_enable_cap *)argument)->cap == KVM_CAP_PPC_FWNMI)
		enabled = true;
	if (request == KVM_GET_REGS && struck)
		((struct kvm_regs *)argument)->msr |= SRR1_MC_LOADSTORE;
	if (request == KVM_GET_ONE_REG && struck &&
	    ((struct kvm_one_reg *)argument)->id == KVM_REG_PPC_DSISR)
		*(uint32_t *)(uintptr_t)((struct kvm_one_reg *)argument)->addr = DSISR_SLB_MULTIHIT;
	if (request == KVM_SET_REGS && !(((struct kvm_regs *)argument)->msr & SRR1_MC_LOADSTORE))
		struck = false;
	return rc;
}
