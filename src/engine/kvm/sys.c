/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The system calls of the KVM engine on Linux. The KVM of hosts other than POWER is of no use to
 * us.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/kvm/abi.h"
#include "engine/kvm/sys.h"

#ifdef __powerpc64__
#define SAME(ours, theirs) \
	_Static_assert((ours) == (theirs), "abi.h says what the kernel's headers say")

SAME(sizeof(struct ppc_kvm_regs), sizeof(struct kvm_regs));
SAME(offsetof(struct ppc_kvm_regs, sprg), offsetof(struct kvm_regs, sprg0));
SAME(offsetof(struct ppc_kvm_regs, gpr), offsetof(struct kvm_regs, gpr));
SAME(offsetof(struct ppc_kvm_regs, srr1), offsetof(struct kvm_regs, srr1));
SAME(offsetof(struct ppc_kvm_sregs, pvr), offsetof(struct kvm_sregs, pvr));
SAME(PPC_KVM_GET_API_VERSION, KVM_GET_API_VERSION);
SAME(PPC_KVM_CREATE_VM, KVM_CREATE_VM);
SAME(PPC_KVM_CHECK_EXTENSION, KVM_CHECK_EXTENSION);
SAME(PPC_KVM_GET_VCPU_MMAP_SIZE, KVM_GET_VCPU_MMAP_SIZE);
SAME(PPC_KVM_CREATE_VCPU, KVM_CREATE_VCPU);
SAME(PPC_KVM_SET_USER_MEMORY_REGION, KVM_SET_USER_MEMORY_REGION);
SAME(PPC_KVM_ALLOCATE_HTAB, KVM_PPC_ALLOCATE_HTAB);
SAME(PPC_KVM_CONFIGURE_V3_MMU, KVM_PPC_CONFIGURE_V3_MMU);
SAME(PPC_KVM_RUN, KVM_RUN);
SAME(PPC_KVM_GET_REGS, KVM_GET_REGS);
SAME(PPC_KVM_SET_REGS, KVM_SET_REGS);
SAME(PPC_KVM_GET_SREGS, KVM_GET_SREGS);
SAME(PPC_KVM_INTERRUPT, KVM_INTERRUPT);
SAME(PPC_KVM_ENABLE_CAP, KVM_ENABLE_CAP);
SAME(PPC_KVM_GET_ONE_REG, KVM_GET_ONE_REG);
SAME(PPC_KVM_SET_ONE_REG, KVM_SET_ONE_REG);
SAME(PPC_KVM_INTERRUPT_UNSET, KVM_INTERRUPT_UNSET);
SAME(PPC_KVM_INTERRUPT_SET_LEVEL, KVM_INTERRUPT_SET_LEVEL);
SAME(PPC_KVM_NMI_DISPOSITION_MASK, KVM_RUN_PPC_NMI_DISP_MASK);
SAME(PPC_KVM_NMI_FULLY_RECOVERED, KVM_RUN_PPC_NMI_DISP_FULLY_RECOV);
SAME(sizeof(struct ppc_kvm_mmuv3_cfg), sizeof(struct kvm_ppc_mmuv3_cfg));
SAME(PPC_KVM_MMUV3_RADIX, KVM_PPC_MMUV3_RADIX);
SAME(PPC_KVM_MMUV3_GTSE, KVM_PPC_MMUV3_GTSE);
SAME(PPC_KVM_REG_DAR, KVM_REG_PPC_DAR);
SAME(PPC_KVM_REG_DSISR, KVM_REG_PPC_DSISR);
SAME(PPC_KVM_REG_TB_OFFSET, KVM_REG_PPC_TB_OFFSET);
SAME(PPC_KVM_REG_LPCR, KVM_REG_PPC_LPCR_64);
SAME(PPC_KVM_REG_ARCH_COMPAT, KVM_REG_PPC_ARCH_COMPAT);
SAME(PPC_KVM_REG_DEC_EXPIRY, KVM_REG_PPC_DEC_EXPIRY);

static int open_kvm(void)
{
	int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static uint64_t timebase(void)
{
	return __builtin_ppc_get_timebase();
}
#else
static int open_kvm(void)
{
	return -ENOTSUP;
}

static uint64_t timebase(void)
{
	return clock_host_ticks();
}
#endif

static int sys_ioctl(int fd, unsigned long request, unsigned long argument)
{
	int rc = ioctl(fd, request, argument);

	return rc < 0 ? -errno : rc;
}

static void *sys_map(int fd, size_t size)
{
	void *address = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	return address == MAP_FAILED ? NULL : address;
}

static void sys_unmap(void *address, size_t size)
{
	munmap(address, size);
}

static void sys_close(int fd)
{
	close(fd);
}

/* The line in /proc/cpuinfo is "timebase	: 512000000". */
static uint32_t timebase_hz(void)
{
	FILE *f = fopen("/proc/cpuinfo", "re");
	unsigned hz = 0;
	char line[200];

	if (!f)
		return 0;
	while (!hz && fgets(line, sizeof(line), f))
		(void)!sscanf(line, "timebase : %u", &hz);
	fclose(f);
	return hz;
}

const struct kvm_sys kvm_sys_linux = {
	.open_kvm = open_kvm,
	.ioctl = sys_ioctl,
	.map = sys_map,
	.unmap = sys_unmap,
	.close = sys_close,
	.timebase = timebase,
	.timebase_hz = timebase_hz,
};
