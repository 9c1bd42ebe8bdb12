/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libfwnmi: PAPR's Firmware Assisted NMI option for a virtual machine monitor. It handles
 * registration, delivery of machine checks and system resets, and the interlock. Logs are in
 * errlog.h, processor cause bits in mce.h. The spec is LoPAR section "Firmware Assisted
 * Non-Maskable Interrupts Option (FWNMI)". Its requirements are called R1..R19 here (R1-7.3.14-1
 * and so on).
 *
 * The library allocates nothing, does no I/O, keeps no globals and takes no locks. The host gives
 * the memory for one struct fwnmi per partition and makes one call at a time on it, with one mutex
 * per struct fwnmi. Do not reuse a lock that other RTAS or hypervisor calls hold: ibm,nmi-interlock
 * may not wait for them (R18).
 *
 * Registers go in and come out. A call that may enter a handler takes the registers of the
 * interrupted vCPU and returns a struct fwnmi_outcome: what became of the event, the vCPU's new
 * registers, and the bytes to put into guest memory. The library itself writes neither.
 *
 * Callbacks run inside the host's call. A callback may call fwnmi_registered(), fwnmi_owner(),
 * fwnmi_may_run(), fwnmi_events_pending(), fwnmi_log_id() and fwnmi_end_log(); they report the
 * state at that moment. All other calls on the same struct fwnmi must wait until the callback has
 * returned.
 *
 * A struct fwnmi that fwnmi_init() has not set up is refused as NULL is (enum fwnmi_error), if its
 * memory is all zeros.
 *
 * vCPUs are numbered 0 .. nr_cpus - 1. While the host makes a call "for" a vCPU, that vCPU must not
 * run guest code.
 */

/*
 * KVM: what a host on Linux's kvm-hv has to know. linux_kvm.h has functions for what is registers
 * and system calls of it, and examples/kvm-host.c does all of it.
 *
 * KVM completes an exit in the next KVM_RUN: only then does a hypervisor call's result reach R3. A
 * host that reads the registers earlier saves the wrong R3 for the guest, and the result overwrites
 * the R3 that the routine was to get. So before KVM_GET_REGS, set kvm_run.immediate_exit and call
 * KVM_RUN until it fails with EINTR; it does not enter the guest.
 *
 * kick() sets immediate_exit, for a thread on its way into KVM_RUN, and sends the thread a signal
 * that has a handler, for one that is in it, also by H_CEDE. The thread clears immediate_exit under
 * the host's lock before it calls fwnmi_resume().
 *
 * KVM delivers machine checks at 0x200 itself until KVM_CAP_PPC_FWNMI is enabled. Enable it when
 * the guest registers, not before: a guest that never does is left to KVM. The ioctl is a vCPU's,
 * but it holds for the whole VM and cannot be taken back. Use the vCPU that makes the RTAS call; on
 * another one the ioctl waits until that leaves KVM_RUN. If KVM_CHECK_EXTENSION says that there is
 * no such capability, as in kvm-pr, leave ibm,nmi-register out of the device tree.
 *
 * At KVM_EXIT_NMI, MSR has the cause bits of SRR1 added, DSISR and DAR are in KVM_REG_PPC_DSISR and
 * KVM_REG_PPC_DAR, and SRR0 and SRR1 are still the guest's own. Pass MSR to fwnmi_mce_analyse() as
 * SRR1, then clear FWNMI_SRR1_CAUSE_MASK in it. kvm_run.flags & KVM_RUN_PPC_NMI_DISP_MASK is a
 * number, not a set of bits:
 *
 *	KVM_RUN_PPC_NMI_DISP_FULLY_RECOV	FWNMI_DISPOSITION_FULLY_RECOVERED
 *	KVM_RUN_PPC_NMI_DISP_LIMITED_RECOV	FWNMI_DISPOSITION_LIMITED_RECOVERY
 *	anything else				FWNMI_DISPOSITION_NOT_RECOVERED
 *
 * The device tree's /rtas needs the tokens "ibm,nmi-register" and "ibm,nmi-interlock" (Linux wants
 * both), and "ibm,nmi-register-2" if the host has it; "linux,rtas-base" and "rtas-size" as in
 * struct fwnmi_config, because Linux accepts R3 in this area only; "rtas-error-log-max", 2048; and
 * for the queue of logs "event-scan" with "rtas-event-scan-rate", and "check-exception".
 * H_SIGNAL_SYS_RESET has no name in "ibm,hypertas-functions": Linux just tries it.
 */
#ifndef FWNMI_FWNMI_H
#define FWNMI_FWNMI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <fwnmi/errlog.h>

#ifdef __cplusplus
extern "C" {
#endif
#if defined(__GNUC__)
#pragma GCC visibility push(default)
#endif

/* Of these headers; fwnmi_version() is that of the library that the program runs with. */
#define FWNMI_VERSION "1.0.0"

/* The memory that the host gives decides; this keeps a state record far below 2 GiB. */
#define FWNMI_MAX_CPUS 0x100000u

/* Both routines must start below this real address (R6). */
#define FWNMI_ROUTINE_LIMIT 0x2000000u

/*
 * Layout of the library's part of the RTAS area, or of real page 7 after ibm,nmi-register-2: the
 * machine check buffer (original R3, then the log), then one slot per vCPU for R3 at a system
 * reset. A slot is 16 bytes because Linux wants R3 no closer to the end of the RTAS area.
 */
#define FWNMI_MC_BUFFER_SIZE	     2064u
#define FWNMI_MC_BUFFER_MIN	     224u /* R3 and the longest log that the library builds */
#define FWNMI_SYSTEM_RESET_SLOT_SIZE 16u
#define FWNMI_PAGE_7		     0x7000u
#define FWNMI_PAGE_7_SIZE	     0x1000u

/* How the OS fetches a log. It is always one of the two calls, never both (LoPAR). */
enum fwnmi_event_source {
	FWNMI_EVENT_SCAN = 0,
	FWNMI_CHECK_EXCEPTION = 1,
};

/* What the OS calls. */
enum fwnmi_rtas_call {
	FWNMI_RTAS_NMI_REGISTER = 0, /* and ibm,nmi-register-2 */
	FWNMI_RTAS_NMI_INTERLOCK = 1,
	FWNMI_RTAS_EVENT_SCAN = 2,
	FWNMI_RTAS_CHECK_EXCEPTION = 3,
};

/* LoPAR table "Error and Event Classes with RTAS Function Call Mask" */
#define FWNMI_CLASS_INTERNAL_ERRORS 0x80000000u
#define FWNMI_CLASS_EPOW	    0x40000000u
#define FWNMI_CLASS_HOT_PLUG	    0x10000000u
#define FWNMI_CLASS_IO_EVENTS	    0x08000000u

/* Capacity of fwnmi_event_queue(): number of logs, and bytes of all of them together. */
#define FWNMI_QUEUE_EVENTS 48u
#define FWNMI_QUEUE_SPACE  16384u

/* Targets of fwnmi_signal_system_reset() besides a vCPU number, as in H_SIGNAL_SYS_RESET. */
#define FWNMI_ALL	 (-1)
#define FWNMI_ALL_OTHERS (-2)

/* What became of an event. */
enum fwnmi_result {
	FWNMI_NOTHING = 0, /* nothing to do, nothing changed */
	FWNMI_DELIVERED = 1, /* do what the outcome says, then run the vCPU */
	FWNMI_DROPPED = 3, /* the error is repaired and the vCPU is not told: run it */
	FWNMI_WAITING = 2, /* do not run the vCPU until it is kicked and calls fwnmi_resume() */
	FWNMI_ENDED = 4, /* the partition has ended: run none of its vCPUs before fwnmi_reset() */
	FWNMI_RELEASED = 5, /* the vCPU's event has given up its claim to the buffer */
	FWNMI_STOPPED = 6, /* the processor is unsafe: never run the vCPU before fwnmi_reset() */
};

/* Where an event has entered the guest. */
enum fwnmi_entry {
	FWNMI_ENTRY_NONE = 0, /* the event is not delivered */
	FWNMI_ENTRY_ROUTINE = 1, /* at the routine that the guest registered */
	FWNMI_ENTRY_VECTOR = 2, /* at 0x100 or 0x200, because the guest has not registered */
	FWNMI_ENTRY_STALE = 3, /* the same, because the registered routine is gone */
};

enum fwnmi_end_reason {
	/* A second machine check hit the vCPU that still holds the buffer of the first. */
	FWNMI_END_NESTED_MACHINE_CHECK = 1,
	/* The registered routine is gone, and config.stale_handler is FWNMI_STALE_END. */
	FWNMI_END_STALE_HANDLER = 2,
};

/*
 * What to do with an event if the registered routine is gone, for example because kexec started a
 * system that does not register.
 */
enum fwnmi_stale_policy {
	FWNMI_STALE_TO_VECTOR = 0, /* deliver the architected interrupt: FWNMI_ENTRY_STALE */
	FWNMI_STALE_DELIVER = 1, /* deliver anyway */
	FWNMI_STALE_END = 2, /* end the partition */
};

/*
 * What to do with a machine check for the vCPU that still holds the buffer of its last one. LoPAR
 * lets the platform run its reboot policy. QEMU (spapr_mce_req_event()) ends the guest as panicked
 * if the hypervisor has not recovered from the error, and otherwise warns and forgets it.
 */
enum fwnmi_nested_policy {
	FWNMI_NESTED_END = 0, /* end the partition, which is LoPAR's letter */
	FWNMI_NESTED_DROP = 1, /* forget it if it is fully recovered, else end the partition */
};

/* Number of instructions remembered to recognise a routine. */
#define FWNMI_HANDLER_INSNS 32u

/* The registers that delivery reads and writes; the values are the architected ones. */
struct fwnmi_regs {
	uint64_t gpr3;
	uint64_t srr0;
	uint64_t srr1;
	uint64_t msr;
	uint64_t nip; /* next instruction to execute, i.e. the interrupted one */
};

/*
 * A machine check as the platform analysed it (R12). All zeros means an indeterminate, permanent UE
 * without address, severity no-error, fully recovered. So set at least type, severity and
 * disposition.
 */
struct fwnmi_machine_check {
	uint8_t error_type; /* enum fwnmi_mc_type */
	uint8_t error_subtype; /* enum fwnmi_{ue,slb,erat,tlb}_subtype; 0 for the other types */
	uint8_t severity; /* enum fwnmi_severity */
	uint8_t disposition; /* enum fwnmi_disposition */
	uint8_t initiator; /* enum fwnmi_initiator */
	/*
	 * This processor is not safe to use any more (R16). It is stopped, and the event counts as
	 * fatal and not recovered whatever severity and disposition say.
	 */
	bool unsafe_processor;
	/* UE only. LoPAR defines a subtype only for a transient UE; Linux reads it for any UE. */
	bool transient;
	bool effective_address_valid;
	bool logical_address_valid; /* UE only */
	uint64_t effective_address;
	uint64_t logical_address;
	/*
	 * What the processor says of the cause: fwnmi_mce_analyse() and fwnmi_mce_synthesise() fill
	 * it in. DSISR and DAR are for the architected interrupt alone, and may be zero for a guest
	 * that has registered. Of SRR1 only bits 33:36 and 42:47 are used.
	 */
	uint64_t srr1;
	uint32_t dsisr; /* valid if SRR1 bit 42 is set */
	bool dar_valid;
	uint64_t dar;
};

/*
 * What became of an event, and what the host does next. Fields that do not belong to the result are
 * zero, except @regs, which then holds the registers that the host passed in. After an error, the
 * result is FWNMI_NOTHING.
 */
struct fwnmi_outcome {
	enum fwnmi_result result;
	/* The event: 0x100 a system reset, 0x200 a machine check, 0 none. */
	unsigned vector;
	/* FWNMI_DELIVERED: where. The host does the same for each. */
	enum fwnmi_entry entry;
	/* FWNMI_DELIVERED: the vCPU's registers at the handler's first instruction. */
	struct fwnmi_regs regs;
	/* FWNMI_DELIVERED: new values for the vCPU's DSISR and DAR; not valid: they stay. */
	bool dsisr_valid, dar_valid;
	uint32_t dsisr;
	uint64_t dar;
	/*
	 * FWNMI_DELIVERED: what the host writes to guest memory before the vCPU runs; length 0:
	 * nothing. It is inside the library's part of the RTAS area, or in real page 7 while the
	 * guest is registered by ibm,nmi-register-2.
	 */
	struct {
		uint64_t address; /* real */
		uint32_t length; /* bytes */
		uint8_t bytes[FWNMI_MC_BUFFER_MIN];
	} write;
	/* Vector 0x200: the machine check, with the disposition that repair() has left. */
	struct fwnmi_machine_check machine_check;
	enum fwnmi_end_reason end_reason; /* FWNMI_ENDED; 0 after fwnmi_load() of an ended state */
};

/* Callbacks into the host. A real address is a guest real (logical) address. */
struct fwnmi_ops {
	/* Returns 0, or a negative number if the bytes are not guest memory. */
	int (*read_memory)(void *opaque, uint64_t real_address, void *buf, size_t len);
	/*
	 * Make the vCPU call fwnmi_resume() before it runs guest code again, but not from inside
	 * this callback. The vCPU may be the one that the host's call is for. A kick is sticky: one
	 * that comes while the vCPU runs no guest code, or has just decided to, still counts. It
	 * does not wait for the vCPU, which may need the host's lock to stop. Several kicks may
	 * become one. A vCPU that is about to get the buffer is already fwnmi_owner().
	 */
	void (*kick)(void *opaque, unsigned cpu);
	/*
	 * May be NULL. Flush the vCPU state that holds the error (R12): an SLB, ERAT or TLB error
	 * that was not recovered and is not fatal, see fwnmi_mce_repairable(). Return 0 if the
	 * error is gone; it is then reported as fully recovered. Return a negative number to report
	 * it as it is.
	 */
	int (*repair)(void *opaque, unsigned cpu, const struct fwnmi_machine_check *mc);
};

struct fwnmi_config {
	unsigned nr_cpus; /* 1 .. FWNMI_MAX_CPUS */
	/*
	 * May be NULL: the server number is the number of the vCPU. Else the nr_cpus interrupt
	 * server numbers of the vCPUs, which logs give as the processor's id. Not copied: it must
	 * outlive the struct fwnmi.
	 */
	const uint32_t *server_numbers;
	/* Real address of the RTAS area, "linux,rtas-base"; a guest's RTAS calls hold 32 bits. */
	uint64_t rtas_base;
	uint32_t rtas_size; /* size in bytes, "rtas-size" */
	uint32_t save_area_offset; /* start of the library's fwnmi_rtas_area_size() bytes */
	/*
	 * Size of the buffer for R3 and a log in bytes: a multiple of 16, at least
	 * FWNMI_MC_BUFFER_MIN; 0: FWNMI_MC_BUFFER_SIZE. It is for a host whose RTAS area layout is
	 * fixed by somebody else. A smaller buffer makes the library need that much less than
	 * fwnmi_rtas_area_size(). Page 7 has room for the full size.
	 */
	uint32_t mc_buffer_size;
	bool strict; /* follow LoPAR to the letter where guests expect otherwise; see below */
	bool interrupts_little_endian; /* LPCR[ILE] at partition start */
	enum fwnmi_stale_policy stale_handler;
	enum fwnmi_nested_policy nested_machine_check; /* strict: always FWNMI_NESTED_END */
};

/* One partition's FWNMI, in memory that the host gives to fwnmi_init(). */
struct fwnmi;

/**
 * fwnmi_rtas_area_size() - how much of the RTAS area the library needs
 * @nr_cpus: number of vCPUs, 1 .. FWNMI_MAX_CPUS
 *
 * returns: bytes, to be reserved at config.save_area_offset; 0 if @nr_cpus is out of range
 */
size_t fwnmi_rtas_area_size(unsigned nr_cpus);

/**
 * fwnmi_config_error() - say what is wrong with a configuration
 * @config: the configuration
 *
 * The RTAS area may be at any real address, if it does not go on beyond the last one. Its save area
 * must be aligned to 16 bytes.
 *
 * returns: a sentence that starts with the member's name, without a full stop, in static storage;
 * NULL if fwnmi_init() takes the configuration
 */
const char *fwnmi_config_error(const struct fwnmi_config *config);

/**
 * fwnmi_version() - the version of the library
 *
 * returns: FWNMI_VERSION of the headers that it was built with
 */
const char *fwnmi_version(void);

/**
 * fwnmi_sizeof() - how much memory a partition's struct fwnmi needs
 * @config: the configuration
 *
 * About 20 KiB, and 300 bytes for each vCPU.
 *
 * returns: bytes; 0 if fwnmi_config_error() has something to say
 */
size_t fwnmi_sizeof(const struct fwnmi_config *config);

/**
 * fwnmi_init() - set up a partition's FWNMI, nothing registered
 * @f: the memory for it, aligned to 8 bytes as by malloc(); its contents do not matter. It must
 *	stay where it is, and may be freed at any time: there is nothing to undo
 * @size: bytes at @f, at least fwnmi_sizeof()
 * @ops: the host's callbacks; only those marked "May be NULL" may be missing; must outlive @f
 * @opaque: passed to every callback; may be NULL
 * @config: copied; leave unused members zero so that members added later get their default.
 *	fwnmi_config_error() says what is wrong with it
 *
 * Called again, it starts anew, with nothing queued.
 *
 * returns: 0, or one of these with the memory untouched:
 *	FWNMI_ERR_INVALID if a callback is missing, @f is not aligned, or a member of @config is
 *		out of range
 *	FWNMI_ERR_NOSPACE if the save area does not fit into the RTAS area, or struct fwnmi not into
 *		@size bytes
 */
int fwnmi_init(struct fwnmi *f, size_t size, const struct fwnmi_ops *ops, void *opaque,
	       const struct fwnmi_config *config);

/**
 * fwnmi_reset() - the partition reboots: forget registration and every event in flight
 * @f: the partition
 *
 * The interrupt endianness returns to the configured one, and stopped vCPUs may run again.
 *
 * Unfetched logs stay queued, as in a platform's NVRAM. The log of what ended the partition stays
 * too; the next image gets it by event-scan. In a log for event-scan, a severity above warning
 * becomes warning, fully recovered, because an error from before a reboot is no longer critical. If
 * R16 notices and end logs are not fetched for several reboots, the oldest are dropped; at least
 * the last ten stay.
 *
 * returns: 0
 */
int fwnmi_reset(struct fwnmi *f);

/**
 * fwnmi_set_interrupt_endian() - LPCR[ILE] has changed (H_SET_MODE)
 * @f: the partition
 * @little_endian: true if interrupt handlers now start little-endian
 */
void fwnmi_set_interrupt_endian(struct fwnmi *f, bool little_endian);

/**
 * fwnmi_register() - ibm,nmi-register: the error area is in the RTAS area (R4, R6, R7)
 * @f: the partition
 * @cpu: the vCPU that makes the call
 * @system_reset: real address of the system reset notification routine
 * @machine_check: real address of the machine check notification routine
 *
 * A later registration, by this call or by fwnmi_register2(), replaces the routines and the error
 * area for everything delivered from then on. An event that is delivered but not interlocked is not
 * affected: the vCPU may still read the buffer, and LoPAR lets only ibm,nmi-interlock release it.
 * Waiting vCPUs keep waiting and will enter the new routine.
 *
 * returns: 0, or
 *	FWNMI_ERR_CPU if there is no such vCPU
 *	FWNMI_ERR_PARAMETER if a routine is not in the first 32 MiB, not word-aligned, or not in
 *		guest memory; the previous registration stays. The RTAS status is -3.
 */
int fwnmi_register(struct fwnmi *f, unsigned cpu, uint64_t system_reset, uint64_t machine_check);

/**
 * fwnmi_register2() - ibm,nmi-register-2: the error area is real page 7 (R3, R4, R6)
 * @f: the partition
 * @cpu: the vCPU that makes the call
 * @system_reset: as for fwnmi_register()
 * @machine_check: likewise
 *
 * For older operating systems. The buffer is at FWNMI_PAGE_7, followed by the slots. The page has
 * room for the slots of vCPUs 0 .. 126, with a smaller config.mc_buffer_size for more. The other
 * vCPUs have no slot and take a system reset with R3 unchanged, as if strict: that is R9, and the
 * only OS known to want the slot, Linux, calls ibm,nmi-register instead.
 *
 * returns: as fwnmi_register(), or
 *	FWNMI_ERR_MEMORY if real page 7 is not in guest memory; the RTAS status is -1
 */
int fwnmi_register2(struct fwnmi *f, unsigned cpu, uint64_t system_reset, uint64_t machine_check);

/**
 * fwnmi_registered() - has the guest registered, and which routines
 * @f: the partition
 * @system_reset: if not NULL, set to the routine's real address (0 without registration)
 * @machine_check: likewise
 *
 * returns: true if the guest has registered since the last reset
 */
bool fwnmi_registered(const struct fwnmi *f, uint64_t *system_reset, uint64_t *machine_check);

/**
 * fwnmi_handlers_stand() - are both registered routines still where they were registered
 * @f: the partition
 *
 * Compares guest memory with the routine's instructions at registration, up to the first
 * unconditional branch and at most FWNMI_HANDLER_INSNS instructions. The OS may have exchanged
 * nops, barriers, cache flushes and calls for one another since then, as Linux does with its
 * mitigations.
 *
 * returns: true if they are, or if the guest has not registered
 */
bool fwnmi_handlers_stand(struct fwnmi *f);

/**
 * fwnmi_machine_check_validate() - would fwnmi_machine_check() accept this description
 * @mc: the machine check
 *
 * returns: 0, or
 *	FWNMI_ERR_INVALID if a field is out of range, the subtype does not exist for the type, an
 *		address is given that this type cannot report (effective: UE, SLB, ERAT, TLB;
 *		logical: UE), transient is set for a type other than UE, or a fatal error is called
 *		fully recovered
 */
int fwnmi_machine_check_validate(const struct fwnmi_machine_check *mc);

/**
 * fwnmi_machine_check() - report a machine check that interrupted a vCPU (R10, R12, R13, R15)
 * @f: the partition
 * @cpu: the interrupted vCPU
 * @regs: its registers, with NIP at the interrupted instruction
 * @mc: what happened; copied
 * @outcome: set to what became of it
 *
 * On delivery, @outcome's registers are at the first instruction of the registered routine. NIP is
 * the routine, MSR = SF | ME (| LE), SRR0 the interrupted instruction, SRR1 the interrupted MSR
 * with bits 33:36 and 42:47 taken from @mc->srr1. R3 is the real address of the original R3, which
 * the log follows; both are big-endian. After a fatal event was delivered to this partition, every
 * later log has only the fixed part with severity already-reported (R15).
 *
 * If the guest has not registered, or its routine is gone and the policy is FWNMI_STALE_TO_VECTOR,
 * the vCPU enters 0x200 instead, as the Power ISA has it: MSR = SF (| LE), ME unchanged, R3 and
 * memory as they were, DSISR and DAR from @mc where it has them. Nobody takes the buffer and no
 * interlock follows.
 *
 * If @mc->unsafe_processor is set (R16, option 2), the vCPU is stopped instead, whether or not the
 * guest has registered. A fatal log about it is queued for event-scan. Once the OS has fetched it,
 * R15 holds, and a later one says already-reported too. Nothing more is delivered to this vCPU.
 *
 * If this vCPU holds the buffer, config.nested_machine_check decides, of an unsafe processor as of
 * any other.
 *
 * Before a machine check enters a routine, waits, or is judged by FWNMI_NESTED_DROP, repair() is
 * called if it can handle the error. If it succeeds, the log says fully recovered.
 *
 * @outcome->result is
 *	FWNMI_DELIVERED
 *	FWNMI_WAITING if another vCPU holds the buffer; waiters are served in order of arrival
 *	FWNMI_DROPPED if this vCPU holds the buffer, the error is fully recovered, perhaps by
 *		repair(), and the policy is FWNMI_NESTED_DROP; nothing was changed
 *	FWNMI_ENDED if this vCPU holds the buffer, or the routine is gone and the policy is
 *		FWNMI_STALE_END, or the partition had already ended. The host runs the partition's
 *		reboot policy; fwnmi_end_log() returns the log
 *	FWNMI_STOPPED if the processor is unsafe, by this event or an earlier one
 *
 * returns: 0, or
 *	FWNMI_ERR_CPU if there is no such vCPU
 *	FWNMI_ERR_INVALID if fwnmi_machine_check_validate() refuses @mc
 *	FWNMI_ERR_BUSY if this vCPU already waits; it goes on waiting with the machine check that it
 *		has. It runs no code, so keep the event until it has resumed. Also if one is
 *		signalled that it has not taken yet: call fwnmi_resume() first
 */
int fwnmi_machine_check(struct fwnmi *f, unsigned cpu, const struct fwnmi_regs *regs,
			const struct fwnmi_machine_check *mc, struct fwnmi_outcome *outcome);

/**
 * fwnmi_system_reset() - report a system reset to a vCPU (R8, R9, R11)
 * @f: the partition
 * @cpu: the interrupted vCPU
 * @regs: its registers, with NIP at the interrupted instruction
 * @outcome: set to what became of it
 *
 * Like a machine check, but there is no log and no interlock, and MSR[ME] is unchanged. R3 points
 * to this vCPU's slot, which holds the original R3: PowerVM and KVM do so and Linux relies on it.
 * If strict, or if page 7 has no room for the slot, R3 is unchanged, which is the letter of R9.
 *
 * A vCPU that waits for the buffer takes the reset after the interlock of its machine check;
 * several resets until then merge into one. A vCPU in its machine check handler takes the reset at
 * once, because the buffer and the slot are separate. A reset that is pending then is the same one.
 *
 * If the guest has not registered, or its routine is gone and the policy is FWNMI_STALE_TO_VECTOR,
 * the vCPU enters 0x100, with R3 and memory as they were.
 *
 * @outcome->result is
 *	FWNMI_DELIVERED
 *	FWNMI_WAITING if the vCPU waits for the machine check buffer
 *	FWNMI_ENDED if the routine is gone and the policy is FWNMI_STALE_END, or the partition had
 *		already ended
 *	FWNMI_STOPPED if the processor is unsafe; nothing was changed
 *
 * returns: 0, or FWNMI_ERR_CPU if there is no such vCPU
 */
int fwnmi_system_reset(struct fwnmi *f, unsigned cpu, const struct fwnmi_regs *regs,
		       struct fwnmi_outcome *outcome);

/**
 * fwnmi_signal_system_reset() - report a system reset to vCPUs that may be running (R8, R11)
 * @f: the partition
 * @cpu: the vCPU that calls H_SIGNAL_SYS_RESET; any vCPU if the host asks
 * @target: the number of a vCPU, FWNMI_ALL, or FWNMI_ALL_OTHERS for all but @cpu
 *
 * Each target is kicked and takes its system reset in fwnmi_resume(), as by fwnmi_system_reset().
 * Until then any number of resets merge into one. A target that waits for the buffer is not kicked:
 * it goes on waiting, and takes the reset after the interlock of its machine check.
 *
 * The result is a number, never an enum fwnmi_result, and says nothing about @cpu: that is kicked
 * if it is a target, and goes on as before if it is not. Whether it may run is fwnmi_may_run()'s to
 * say. The status of H_SIGNAL_SYS_RESET is H_Success for any number, and H_Parameter for an error.
 *
 * returns: how many vCPUs will take it; those stopped as unsafe do not count, and none does after
 * the partition has ended; or FWNMI_ERR_CPU if there is no such vCPU
 */
int fwnmi_signal_system_reset(struct fwnmi *f, unsigned cpu, int64_t target);

/**
 * fwnmi_recoverable() - can the OS return from an event that interrupts these registers
 * @regs: registers of a vCPU
 *
 * With MSR[RI]=0 the interrupted code holds, or is about to use, SRR0 and SRR1, which the event
 * overwrites: the OS can handle the event and report it, but not go on. Linux panics. A machine
 * check or system reset that is real is delivered all the same. Who injects one and wants the OS to
 * survive waits for a moment with MSR[RI]=1.
 *
 * While it boots, Linux holds its other CPUs in a loop with MSR[RI]=1 and translation off, where
 * they cannot handle any interrupt yet: after an event there they fault without end. Who injects
 * into a guest that boots waits for MSR[IR]=1 and MSR[DR]=1 too.
 *
 * returns: true if MSR[RI]=1
 */
bool fwnmi_recoverable(const struct fwnmi_regs *regs);

/**
 * fwnmi_signal_machine_check() - report a machine check to a vCPU that may be running
 * @f: the partition
 * @cpu: the vCPU that has the error; any vCPU may be making the call
 * @mc: what happened; copied
 *
 * The vCPU is kicked, runs on until it answers, and takes the machine check in fwnmi_resume(), as
 * by fwnmi_machine_check() at that moment: only then is it repaired, does it join the queue for the
 * buffer or stop the processor, and does it end the partition if the vCPU holds the buffer. The
 * log's fatal error counts (R15) from then on. If a system reset is pending too, the machine check
 * comes first. fwnmi_withdraw() takes it back.
 *
 * returns: as fwnmi_signal_system_reset(), how many vCPUs will take it: 1; 0 if the processor is
 * unsafe or the partition has ended; or
 *	FWNMI_ERR_CPU if there is no such vCPU
 *	FWNMI_ERR_INVALID if fwnmi_machine_check_validate() refuses @mc
 *	FWNMI_ERR_BUSY if this vCPU has a machine check that it has not taken yet; that one stays
 */
int fwnmi_signal_machine_check(struct fwnmi *f, unsigned cpu, const struct fwnmi_machine_check *mc);

/**
 * fwnmi_interlock() - ibm,nmi-interlock (R17, R18, R19)
 * @f: the partition
 * @cpu: the vCPU that makes the call
 *
 * Releases the buffer if @cpu holds it, gives it to the vCPU that has waited longest, and kicks
 * that vCPU. If a system reset is pending for @cpu itself, @cpu is kicked too. If @cpu does not
 * hold the buffer, nothing changes; the call still succeeds unless strict, because PowerVM does so
 * and Linux before 5.8 relies on it.
 *
 * returns: FWNMI_RELEASED, or
 *	FWNMI_NOTHING if @cpu has no event or the partition has ended, and not strict; the RTAS
 *		status is 0 too
 *	FWNMI_ERR_NO_EVENT likewise, if strict; the RTAS status is -1
 *	FWNMI_ERR_CPU if there is no such vCPU
 */
int fwnmi_interlock(struct fwnmi *f, unsigned cpu);

/**
 * fwnmi_resume() - a vCPU answers its kick
 * @f: the partition
 * @cpu: the vCPU, before it runs guest code; harmless without a kick
 * @regs: its registers, with NIP at the instruction that it would execute next
 * @outcome: set to what was delivered
 *
 * One call delivers one event, and a machine check before a system reset. A system reset that is
 * pending behind a machine check is delivered after the machine check's interlock, which kicks the
 * vCPU again. If the machine check was dropped or entered 0x200, after which there is no interlock,
 * the vCPU is kicked again at once, and the next call delivers the reset.
 *
 * @outcome->result is
 *	FWNMI_DELIVERED; if @cpu waited and @outcome->entry is FWNMI_ENTRY_STALE, the buffer has
 *		gone to the next vCPU
 *	FWNMI_NOTHING if nothing is pending for this vCPU: run it
 *	FWNMI_WAITING if it is not this vCPU's turn yet: do not run it
 *	FWNMI_DROPPED as for fwnmi_machine_check(), of a signalled one
 *	FWNMI_ENDED if the partition has ended, now or before
 *	FWNMI_STOPPED if the processor is unsafe, by a signalled machine check or an earlier one: do
 *		not run it
 *
 * returns: 0, or FWNMI_ERR_CPU if there is no such vCPU
 */
int fwnmi_resume(struct fwnmi *f, unsigned cpu, const struct fwnmi_regs *regs,
		 struct fwnmi_outcome *outcome);

/**
 * fwnmi_architected() - deliver an event as the architected interrupt, whatever is registered
 * @f: the partition; only its interrupt byte order is used, and nothing is changed
 * @regs: the interrupted registers
 * @mc: the machine check; NULL: a system reset
 * @outcome: set as by fwnmi_machine_check() or fwnmi_system_reset() for a guest that has not
 *	registered
 *
 * Meant for a host that has code of its own at 0x100 or 0x200, which reports the event once it
 * runs.
 *
 * returns: 0
 */
int fwnmi_architected(const struct fwnmi *f, const struct fwnmi_regs *regs,
		      const struct fwnmi_machine_check *mc, struct fwnmi_outcome *outcome);

/**
 * fwnmi_may_run() - may a vCPU run guest code
 * @f: the partition
 * @cpu: the vCPU
 *
 * A vCPU with a signalled event may run until it answers its kick.
 *
 * returns: true, or false if its machine check waits for the buffer, or has it and waits for
 * fwnmi_resume(), if the processor is unsafe, if the partition has ended, or if there is no such
 * vCPU
 */
bool fwnmi_may_run(const struct fwnmi *f, unsigned cpu);

/**
 * fwnmi_withdraw() - take back a machine check that is signalled or waits for the buffer
 * @f: the partition
 * @cpu: the vCPU that has not taken it yet
 *
 * Meant for errors that somebody injected and no longer wants. A vCPU that waits leaves the queue
 * and is kicked; a buffer that was kept for it goes to the next vCPU. A system reset that was
 * pending behind the machine check is delivered by fwnmi_resume().
 *
 * returns: FWNMI_RELEASED, or
 *	FWNMI_NOTHING if no machine check of this vCPU is signalled or waits
 *	FWNMI_ERR_CPU if there is no such vCPU
 */
int fwnmi_withdraw(struct fwnmi *f, unsigned cpu);

/**
 * fwnmi_owner() - which vCPU holds the machine check buffer
 * @f: the partition
 *
 * returns: the vCPU whose machine check was delivered, or will be after its kick, and that has not
 * yet released the buffer by ibm,nmi-interlock; -1 if the buffer is free
 */
int fwnmi_owner(const struct fwnmi *f);

/**
 * fwnmi_event_queue() - queue a log for the OS to fetch
 * @f: the partition
 * @source: the call by which the OS is to fetch it
 * @event_class: one FWNMI_CLASS_*
 * @log: a version 6 log; copied
 * @length: bytes at @log
 *
 * Meant for repair determinations made after the machine check (they carry its platform log id, see
 * fwnmi_log_id()) and for any other platform event. Logs for event-scan should not be graver than a
 * warning (LoPAR "RTAS Error and Event Classes").
 *
 * returns: 0, or
 *	FWNMI_ERR_NOSPACE if FWNMI_QUEUE_EVENTS logs are queued already, or the log would exceed
 *		FWNMI_QUEUE_SPACE bytes in all; nothing was changed. Try again when the OS has
 *		fetched some
 *	FWNMI_ERR_INVALID if @source or @event_class is not a known one
 *	FWNMI_ERR_BADVERSION if the log is not of version 6
 *	FWNMI_ERR_TRUNCATED, FWNMI_ERR_BADSTRUCTURE as for fwnmi_errlog_decode(); the latter also if
 *		the log is shorter than @length
 */
int fwnmi_event_queue(struct fwnmi *f, enum fwnmi_event_source source, uint32_t event_class,
		      const void *log, size_t length);

/**
 * fwnmi_events_pending() - how many logs are queued
 * @f: the partition
 * @source: the call that fetches them
 * @mask: the classes that count
 *
 * An interrupt that announces events must stay asserted until none is left (LoPAR).
 *
 * returns: the number of logs
 */
unsigned fwnmi_events_pending(const struct fwnmi *f, enum fwnmi_event_source source, uint32_t mask);

/**
 * fwnmi_event_scan() - event-scan: the oldest log of the classes asked for
 * @f: the partition
 * @mask: the classes, the call's Event Mask
 * @critical: the call's Critical: return only the fixed part
 * @buf: where to write
 * @size: bytes at @buf, the call's Length
 *
 * Removes the log from the queue. The log is complete unless @size is too small; then it is cut as
 * by fwnmi_errlog_fit(). If strict, the gravest log comes first, and the oldest among equally grave
 * ones: LoPAR "RTAS Error/Event Return Format".
 *
 * An OS repeats the call until there is no log. LoPAR limits such a sequence of calls to one log,
 * or two in the first sequence after boot. FWNMI_NOTHING ends a sequence, and the next call starts
 * a new one.
 *
 * returns: bytes written; the RTAS status is 0; or
 *	FWNMI_NOTHING if there is no log, or no more in this sequence; the RTAS status is 1
 *	FWNMI_ERR_NOSPACE if @size is less than 4; the log stays; the RTAS status is -1
 */
int fwnmi_event_scan(struct fwnmi *f, uint32_t mask, bool critical, void *buf, size_t size);

/**
 * fwnmi_check_exception() - check-exception: the oldest log of the classes asked for
 * @f, @mask, @critical, @buf, @size: as for fwnmi_event_scan()
 *
 * Vector Offset and Additional Information select nothing; only the mask does (LoPAR's note to
 * check-exception). The number of logs in a sequence of calls is not limited. The log of a
 * delivered machine check is in the buffer, never here.
 *
 * returns: as fwnmi_event_scan()
 */
int fwnmi_check_exception(struct fwnmi *f, uint32_t mask, bool critical, void *buf, size_t size);

/**
 * fwnmi_rtas_status() - the RTAS status of a call that the library has answered
 * @call: the call
 * @result: what the function behind it returned: fwnmi_register(), fwnmi_register2(),
 *	fwnmi_interlock(), fwnmi_event_scan() or fwnmi_check_exception()
 *
 * returns: the status word: 0 success, -1 hardware error, -3 parameter error, 1 no log
 */
int32_t fwnmi_rtas_status(enum fwnmi_rtas_call call, int result);

/**
 * fwnmi_log_id() - the platform log id of the last log that the library has built
 * @f: the partition
 *
 * Main-A of a later log about the same error carries the same number.
 *
 * returns: the number, 0 before the first log
 */
uint32_t fwnmi_log_id(const struct fwnmi *f);

/**
 * fwnmi_end_log() - the log of the machine check that ended the partition
 * @f: the partition
 * @buf: where to write
 * @size: bytes at @buf; FWNMI_ERRLOG_MAX always suffices
 *
 * returns: the log's length in bytes, 0 if the partition has not ended, or
 *	FWNMI_ERR_NOSPACE if @size is too small
 */
int fwnmi_end_log(const struct fwnmi *f, void *buf, size_t size);

/**
 * fwnmi_end_reason_text() - describe why the partition has ended
 * @reason: an outcome's end_reason
 *
 * returns: a sentence without a capital or a full stop, in static storage; never NULL
 */
const char *fwnmi_end_reason_text(enum fwnmi_end_reason reason);

/**
 * fwnmi_state_size() - size of a record of the partition's state
 * @f: the partition
 *
 * returns: the bytes that fwnmi_save() would write now
 */
size_t fwnmi_state_size(const struct fwnmi *f);

/**
 * fwnmi_save() - write the partition's state to a record
 * @f: the partition; an event may be at any stage
 * @buf: where to write
 * @size: bytes at @buf
 *
 * The record holds all that the library knows: registration, the buffer's owner, the waiting vCPUs
 * and their machine checks, signalled machine checks, pending system resets, stopped vCPUs, queued
 * logs. It holds neither the error area, which is guest memory, nor vCPU registers; the host saves
 * those. The record does not depend on the host's byte order, carries a version, and ends with a
 * checksum.
 *
 * returns: the record's length in bytes, or
 *	FWNMI_ERR_NOSPACE if @size is too small; @buf is untouched
 */
int fwnmi_save(const struct fwnmi *f, void *buf, size_t size);

/**
 * fwnmi_load() - set the partition's state from a record
 * @f: the partition, set up by fwnmi_init() with the same nr_cpus, rtas_base, rtas_size,
 *	save_area_offset and mc_buffer_size as the saved one; the policies may differ
 * @buf: the record, of this version of the library or any earlier one; any bytes are safe
 * @size: bytes at @buf; bytes after the record are ignored
 *
 * The record does not hold kicks in flight, so call fwnmi_resume() for every vCPU before it runs
 * guest code.
 *
 * returns: 0, or one of these with @f unchanged:
 *	FWNMI_ERR_TRUNCATED if the record is incomplete
 *	FWNMI_ERR_BADRECORD if it is not a record, its checksum is wrong, or it contradicts itself
 *	FWNMI_ERR_FUTURE if its version is newer than this library knows
 *	FWNMI_ERR_MISMATCH if it is from a partition that was set up differently
 */
int fwnmi_load(struct fwnmi *f, const void *buf, size_t size);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif
#ifdef __cplusplus
}
#endif

#endif
