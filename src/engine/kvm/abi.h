/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The powerpc part of KVM's interface: request numbers, register structures, register names. We use
 * our own names so that other hosts can build and test the engine. The rest is in <linux/kvm.h>,
 * the same everywhere. Numbers and layouts are those of Linux arch/powerpc/include/uapi/asm/kvm.h,
 * asm/ioctl.h and include/uapi/linux/kvm.h; sys.c checks them against these headers when built for
 * powerpc.
 */
#ifndef FWNMI_ENGINE_KVM_ABI_H
#define FWNMI_ENGINE_KVM_ABI_H

#include <linux/kvm.h>
#include <stdint.h>

/* asm/ioctl.h: 3 bits of direction, 13 of size, 8 of type, 8 of number. */
#define PPC_IOCTL(direction, number, size) \
	((unsigned long)(direction) << 29 | (unsigned long)(size) << 16 | 0xaeul << 8 | (number))
#define PPC_IO(number)	       PPC_IOCTL(1, number, 0)
#define PPC_IOR(number, size)  PPC_IOCTL(2, number, size)
#define PPC_IOW(number, size)  PPC_IOCTL(4, number, size)
#define PPC_IOWR(number, size) PPC_IOCTL(6, number, size)

struct ppc_kvm_regs {
	uint64_t pc, cr, ctr, lr, xer, msr, srr0, srr1, pid;
	uint64_t sprg[8];
	uint64_t gpr[32];
};

struct ppc_kvm_sregs {
	uint32_t pvr;
	uint8_t other[1228]; /* a union for all processors; not used here */
};

struct ppc_kvm_mmuv3_cfg {
	uint64_t flags;
	uint64_t process_table; /* second doubleword of the partition table entry */
};
#define PPC_KVM_MMUV3_RADIX 1u
#define PPC_KVM_MMUV3_GTSE  2u

/* System, VM and vCPU requests. */
#define PPC_KVM_GET_API_VERSION	       PPC_IO(0x00)
#define PPC_KVM_CREATE_VM	       PPC_IO(0x01)
#define PPC_KVM_CHECK_EXTENSION	       PPC_IO(0x03)
#define PPC_KVM_GET_VCPU_MMAP_SIZE     PPC_IO(0x04)
#define PPC_KVM_CREATE_VCPU	       PPC_IO(0x41)
#define PPC_KVM_SET_USER_MEMORY_REGION PPC_IOW(0x46, sizeof(struct kvm_userspace_memory_region))
#define PPC_KVM_ALLOCATE_HTAB	       PPC_IOWR(0xa7, sizeof(uint32_t))
#define PPC_KVM_CONFIGURE_V3_MMU       PPC_IOW(0xaf, sizeof(struct ppc_kvm_mmuv3_cfg))
#define PPC_KVM_RUN		       PPC_IO(0x80)
#define PPC_KVM_GET_REGS	       PPC_IOR(0x81, sizeof(struct ppc_kvm_regs))
#define PPC_KVM_SET_REGS	       PPC_IOW(0x82, sizeof(struct ppc_kvm_regs))
#define PPC_KVM_GET_SREGS	       PPC_IOR(0x83, sizeof(struct ppc_kvm_sregs))
#define PPC_KVM_INTERRUPT	       PPC_IOW(0x86, sizeof(struct kvm_interrupt))
#define PPC_KVM_ENABLE_CAP	       PPC_IOW(0xa3, sizeof(struct kvm_enable_cap))
#define PPC_KVM_GET_ONE_REG	       PPC_IOW(0xab, sizeof(struct kvm_one_reg))
#define PPC_KVM_SET_ONE_REG	       PPC_IOW(0xac, sizeof(struct kvm_one_reg))

#define PPC_KVM_INTERRUPT_UNSET	    (-2u)
#define PPC_KVM_INTERRUPT_SET_LEVEL (-3u)

/* kvm_run.flags after KVM_EXIT_NMI. */
#define PPC_KVM_NMI_DISPOSITION_MASK 3u
#define PPC_KVM_NMI_FULLY_RECOVERED  1u

/* One-registers; the size is part of the name. */
#define PPC_KVM_REG_U32(number) (0x1020000000000000ull | (number))
#define PPC_KVM_REG_U64(number) (0x1030000000000000ull | (number))
#define PPC_KVM_REG_DAR		PPC_KVM_REG_U64(0x0c)
#define PPC_KVM_REG_DSISR	PPC_KVM_REG_U32(0x0d)
#define PPC_KVM_REG_TB_OFFSET	PPC_KVM_REG_U64(0x9c)
#define PPC_KVM_REG_LPCR	PPC_KVM_REG_U64(0xb5)
#define PPC_KVM_REG_ARCH_COMPAT PPC_KVM_REG_U32(0xb7)
#define PPC_KVM_REG_DEC_EXPIRY	PPC_KVM_REG_U64(0xbe)

/* Partition table entry, second doubleword: radix. */
#define PATB_GR (1ull << 63)

#endif
