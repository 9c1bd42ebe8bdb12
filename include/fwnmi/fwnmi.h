/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libfwnmi: PAPR's Firmware Assisted NMI option for a virtual machine monitor.
 * Registration, delivery of machine checks and system resets, and the interlock; logs are in
 * errlog.h, processor cause bits in mce.h. Follows LoPAR section "Firmware Assisted Non-Maskable
 * Interrupts Option (FWNMI)", whose requirements are called R1..R19 here (R1-7.3.14-1 and so on).
 *
 * The library allocates nothing, does no I/O, keeps no globals and never locks. The host owns one
 * struct fwnmi a partition and makes one call at a time for it: one mutex a struct fwnmi, which
 * must not be a lock that other RTAS or hypervisor calls hold, because ibm,nmi-interlock may not
 * wait for them (R18).
 *
 * Callbacks run inside the call that the host made. Each of them may ask fwnmi_registered(),
 * fwnmi_owner(), fwnmi_events_pending(), fwnmi_log_id() and fwnmi_end_log(), which answer for that
 * moment; end_partition() may call fwnmi_reset() as well. All other calls for the same struct fwnmi
 * have to wait until the callback has returned.
 *
 * vCPUs are numbered 0 .. nr_cpus - 1. A call made "for" a vCPU is made while that vCPU does not
 * run guest code; the library reads and writes registers of no other one.
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

#define FWNMI_MAX_CPUS 64

/* Both routines must start below this real address (R6). */
#define FWNMI_ROUTINE_LIMIT 0x2000000u

/*
 * What the library puts into the RTAS area, or into real page 7 after ibm,nmi-register-2: the
 * buffer for the original R3 and the log of a machine check, then one slot a vCPU for R3 at a
 * system reset. A slot has 16 bytes because Linux wants R3 no closer to the end of the RTAS area.
 */
#define FWNMI_MC_BUFFER_SIZE	     2064u
#define FWNMI_MC_BUFFER_MIN	     224u /* R3 and the longest log that the library builds */
#define FWNMI_SYSTEM_RESET_SLOT_SIZE 16u
#define FWNMI_PAGE_7		     0x7000u
#define FWNMI_PAGE_7_SIZE	     0x1000u

/* Where an OS fetches a log: by one of the two calls, never by both (LoPAR). */
enum fwnmi_event_source {
	FWNMI_EVENT_SCAN = 0,
	FWNMI_CHECK_EXCEPTION = 1,
};

/* LoPAR table "Error and Event Classes with RTAS Function Call Mask" */
#define FWNMI_CLASS_INTERNAL_ERRORS 0x80000000u
#define FWNMI_CLASS_EPOW	    0x40000000u
#define FWNMI_CLASS_HOT_PLUG	    0x10000000u
#define FWNMI_CLASS_IO_EVENTS	    0x08000000u

/* How many logs fwnmi_event_queue() holds, and how many bytes together. */
#define FWNMI_QUEUE_EVENTS 48u
#define FWNMI_QUEUE_SPACE  16384u
/* The same with the library's own logs. */
#define FWNMI_MAX_EVENTS   128u
#define FWNMI_EVENT_SPACE  32768u

/* Targets of fwnmi_signal_system_reset() besides a vCPU's number; those of H_SIGNAL_SYS_RESET. */
#define FWNMI_ALL	 (-1)
#define FWNMI_ALL_OTHERS (-2)

/* What the functions that report or release an event say when they succeed. */
enum fwnmi_result {
	FWNMI_NOTHING = 0, /* nothing to do, nothing changed */
	FWNMI_DELIVERED = 1, /* the vCPU's registers are set: run it */
	FWNMI_WAITING = 2, /* do not run the vCPU before its kick and fwnmi_resume() */
	FWNMI_NOT_REGISTERED = 3, /* the host delivers the architected interrupt, 0x100 or 0x200 */
	FWNMI_ENDED = 4, /* the partition has ended: run none of its vCPUs before fwnmi_reset() */
	FWNMI_RELEASED = 5, /* the buffer was released */
	FWNMI_STOPPED = 6, /* the processor is unsafe: never run the vCPU before fwnmi_reset() */
	FWNMI_STALE = 7, /* as FWNMI_NOT_REGISTERED: the registered routine is no longer there */
};

enum fwnmi_end_reason {
	/* A second machine check came to the vCPU that still holds the buffer of the first. */
	FWNMI_END_NESTED_MACHINE_CHECK = 1,
	/* The registered routine is no longer there, and config.stale_handler says end. */
	FWNMI_END_STALE_HANDLER = 2,
};

/*
 * What to do with an event whose registered routine no longer stands where it was registered, as
 * when kexec has started a system that does not register.
 */
enum fwnmi_stale_policy {
	FWNMI_STALE_TO_VECTOR = 0, /* FWNMI_STALE: the host delivers the architected interrupt */
	FWNMI_STALE_DELIVER = 1, /* deliver all the same */
	FWNMI_STALE_END = 2, /* end the partition */
};

/* How much of a routine is remembered to know it again. */
#define FWNMI_HANDLER_INSNS 32u

/* The registers that delivery reads and writes; the values are the architected ones. */
struct fwnmi_regs {
	uint64_t gpr3;
	uint64_t srr0;
	uint64_t srr1;
	uint64_t msr;
	uint64_t nip; /* of the instruction to execute next, i.e. the one interrupted */
};

/*
 * A machine check as the platform analysed it (R12). All-zero is an indeterminate, permanent UE
 * without address, severity no-error, fully recovered: set at least type, severity and disposition.
 */
struct fwnmi_machine_check {
	uint8_t error_type; /* enum fwnmi_mc_type */
	uint8_t error_subtype; /* enum fwnmi_{ue,slb,erat,tlb}_subtype; 0 for the other types */
	uint8_t severity; /* enum fwnmi_severity */
	uint8_t disposition; /* enum fwnmi_disposition */
	uint8_t initiator; /* enum fwnmi_initiator */
	/*
	 * The OS may not safely go on using this processor (R16). It is stopped, and severity and
	 * disposition count as fatal and not recovered.
	 */
	bool unsafe_processor;
	/* UE. LoPAR gives a subtype only to a transient one; Linux reads it in either case. */
	bool transient;
	bool effective_address_valid;
	bool logical_address_valid; /* UE only */
	uint64_t effective_address;
	uint64_t logical_address;
	uint64_t srr1; /* the processor's cause bits; only bits 33:36 and 42:47 are used */
};

/*
 * The host's side. Functions that return int return 0 or a negative number. A real address is a
 * guest real (logical) address; the library writes to its part of the RTAS area only and, while the
 * guest is registered by ibm,nmi-register-2, to real page 7.
 */
struct fwnmi_ops {
	int (*read_memory)(void *opaque, uint64_t real_address, void *buf, size_t len);
	int (*write_memory)(void *opaque, uint64_t real_address, const void *buf, size_t len);
	int (*get_regs)(void *opaque, unsigned cpu, struct fwnmi_regs *regs);
	int (*set_regs)(void *opaque, unsigned cpu, const struct fwnmi_regs *regs);
	/*
	 * Make the vCPU call fwnmi_resume() before it runs guest code again, but not from here. One
	 * that gets the buffer is fwnmi_owner() already.
	 */
	void (*kick)(void *opaque, unsigned cpu);
	/*
	 * Run the partition's reboot policy, now or later; fwnmi_end_log() has the log. The call
	 * returns FWNMI_ENDED even if fwnmi_reset() is called in here.
	 */
	void (*end_partition)(void *opaque, unsigned cpu, enum fwnmi_end_reason reason);
	/*
	 * May be NULL. Flush the state of the vCPU in which the error sits (R12), which is an SLB,
	 * ERAT or TLB error that was not recovered: see fwnmi_mce_repairable(). 0: the error is
	 * gone, and is reported as fully recovered; negative: it is reported as it is.
	 */
	int (*repair)(void *opaque, unsigned cpu, const struct fwnmi_machine_check *mc);
	/*
	 * May be NULL. The processor is unsafe: never run this vCPU before fwnmi_reset(). The log
	 * about it is queued.
	 */
	void (*stop_cpu)(void *opaque, unsigned cpu);
};

struct fwnmi_config {
	unsigned nr_cpus; /* 1 .. FWNMI_MAX_CPUS */
	uint64_t rtas_base; /* real address of the RTAS area, "linux,rtas-base" */
	uint32_t rtas_size; /* its bytes, "rtas-size" */
	uint32_t save_area_offset; /* where in it fwnmi_rtas_area_size() bytes are the library's */
	/*
	 * Bytes of the buffer for R3 and a log, a multiple of 16 from FWNMI_MC_BUFFER_MIN up; 0:
	 * FWNMI_MC_BUFFER_SIZE. For a host whose RTAS area somebody else has laid out: then the
	 * library wants as much less than fwnmi_rtas_area_size(). Page 7 has room for all of it.
	 */
	uint32_t mc_buffer_size;
	bool strict; /* the letter of LoPAR where guests expect something else; see below */
	bool interrupts_little_endian; /* LPCR[ILE] at partition start */
	enum fwnmi_stale_policy stale_handler;
};

/* A registered routine, and what stood there. */
struct fwnmi_handler {
	uint64_t routine; /* real address */
	uint32_t nr_insns;
	uint8_t insns[4 * FWNMI_HANDLER_INSNS];
};

/* A log that waits for the OS to fetch it. */
struct fwnmi_event {
	uint32_t event_class;
	uint16_t length;
	uint8_t source; /* enum fwnmi_event_source */
	uint8_t kind; /* whose it is */
};

/* One partition's FWNMI state, some 40 KiB. The host embeds it; its fields are the library's. */
struct fwnmi {
	const struct fwnmi_ops *ops;
	void *opaque;
	struct fwnmi_config config;
	bool interrupts_little_endian;

	bool registered;
	struct fwnmi_handler system_reset;
	struct fwnmi_handler machine_check;
	uint64_t error_area; /* real address of the buffer, behind which the slots are */

	int owner; /* vCPU that holds the buffer, or -1 */
	bool owner_notified; /* false: the buffer is kept for a waiter that has yet to resume */
	bool fatal_reported; /* R15 */
	bool ended;
	uint32_t log_id; /* of the last log */

	/* vCPUs that wait for the buffer, in order of arrival: a ring. */
	unsigned first_waiter;
	unsigned nr_waiters;
	uint8_t waiters[FWNMI_MAX_CPUS];
	struct fwnmi_machine_check pending[FWNMI_MAX_CPUS];
	uint8_t system_reset_pending[FWNMI_MAX_CPUS]; /* 1: at resume; 2: after its interlock */
	uint16_t handed_back[FWNMI_MAX_CPUS]; /* vector of what fwnmi_resume() gave to the host */

	bool stopped[FWNMI_MAX_CPUS]; /* unsafe (R16) */

	unsigned end_log_length;
	uint8_t end_log[256];

	/* Oldest first; the bytes of their logs follow each other in the same order. */
	unsigned nr_events;
	uint8_t scan_allowance; /* logs that event-scan may yet return in this sequence of calls */
	struct fwnmi_event events[FWNMI_MAX_EVENTS];
	uint8_t event_bytes[FWNMI_EVENT_SPACE];
};

/**
 * fwnmi_rtas_area_size() - how much of the RTAS area the library wants
 * @nr_cpus: number of vCPUs, 1 .. FWNMI_MAX_CPUS
 *
 * returns: bytes, to be reserved at config.save_area_offset; 0 if @nr_cpus is out of range
 */
size_t fwnmi_rtas_area_size(unsigned nr_cpus);

/**
 * fwnmi_init() - start a partition's FWNMI, nothing registered
 * @f: the state to set up
 * @ops: the host's functions, all of them set but those that may be NULL; must outlive @f
 * @opaque: handed to every one of them
 * @config: copied; members not set are zero, so that later ones have their default. rtas_base +
 * save_area_offset must be a multiple of 16; the RTAS area must end below 4 GiB, where a guest can
 * reach it in real mode
 *
 * returns: 0, or
 *	FWNMI_ERR_INVALID if an operation is missing, nr_cpus is 0 or more than FWNMI_MAX_CPUS, the
 *		RTAS area does not end below 4 GiB, the save area is not aligned, mc_buffer_size is
 *		out of range, or stale_handler is none
 *	FWNMI_ERR_NOSPACE if the save area does not fit into the RTAS area
 */
int fwnmi_init(struct fwnmi *f, const struct fwnmi_ops *ops, void *opaque,
	       const struct fwnmi_config *config);

/**
 * fwnmi_reset() - the partition reboots: forget registration and every event in flight
 * @f: the partition
 *
 * The interrupt endianness goes back to that of the configuration, and stopped vCPUs may run again.
 *
 * Logs that nobody has fetched stay, as in a platform's NVRAM, and so does the log of what ended
 * the partition: the next image gets them by event-scan. A severity above warning becomes warning,
 * fully recovered, because what was before a reboot is no longer critical. Of R16 notices and end
 * logs that are not fetched for several reboots the oldest are dropped; at least the last ten stay.
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
 * A later registration, by this call or by fwnmi_register2(), replaces routines and error area for
 * what is delivered from then on. An event that was delivered and not interlocked stays as it is,
 * because LoPAR lets nothing but ibm,nmi-interlock release a buffer that a vCPU may still read; so
 * do the vCPUs that wait, and they will enter the new routine.
 *
 * returns: 0, or
 *	FWNMI_ERR_CPU if there is no such vCPU
 *	FWNMI_ERR_PARAMETER if a routine is not in the first 32 MiB, not word-aligned, or not in
 *		guest memory; the former registration stands. The RTAS status is -3.
 */
int fwnmi_register(struct fwnmi *f, unsigned cpu, uint64_t system_reset, uint64_t machine_check);

/**
 * fwnmi_register2() - ibm,nmi-register-2: the error area is real page 7 (R3, R4, R6)
 * @f: the partition
 * @cpu: the vCPU that makes the call
 * @system_reset: as for fwnmi_register()
 * @machine_check: likewise
 *
 * For older operating systems. The buffer is at FWNMI_PAGE_7 and the slots are behind it.
 *
 * returns: as fwnmi_register(), or
 *	FWNMI_ERR_MEMORY if real page 7 is not in guest memory; the RTAS status is -1
 */
int fwnmi_register2(struct fwnmi *f, unsigned cpu, uint64_t system_reset, uint64_t machine_check);

/**
 * fwnmi_registered() - is there a registration, and which
 * @f: the partition
 * @system_reset: if not NULL, set to the routine's real address (0 without registration)
 * @machine_check: likewise
 *
 * returns: true if the guest has registered since the last reset
 */
bool fwnmi_registered(const struct fwnmi *f, uint64_t *system_reset, uint64_t *machine_check);

/**
 * fwnmi_handlers_stand() - do both registered routines still stand where they were registered
 * @f: the partition
 *
 * What stood there at registration is compared with guest memory, up to the first unconditional
 * branch and FWNMI_HANDLER_INSNS instructions at most. An OS may meanwhile have exchanged nops,
 * barriers, cache flushes and calls for one another, as Linux does with its mitigations.
 *
 * returns: true if they do, or the guest has not registered
 */
bool fwnmi_handlers_stand(struct fwnmi *f);

/**
 * fwnmi_machine_check_validate() - would fwnmi_machine_check() accept this description
 * @mc: the machine check
 *
 * returns: 0, or
 *	FWNMI_ERR_INVALID if a field is out of range, the subtype does not exist for the type, an
 *		address is given that this type cannot report (effective: UE, SLB, ERAT, TLB;
 *		logical: UE), transient is set for another type than UE, or a fatal error is called
 *		fully recovered
 */
int fwnmi_machine_check_validate(const struct fwnmi_machine_check *mc);

/**
 * fwnmi_machine_check() - report a machine check that interrupted a vCPU (R10, R12, R13, R15)
 * @f: the partition
 * @cpu: the vCPU interrupted
 * @mc: what happened; copied
 *
 * When delivered, the vCPU stands at the first instruction of the registered routine: NIP the
 * routine, MSR = SF | ME (| LE), SRR0 the interrupted instruction, SRR1 the interrupted MSR with
 * bits 33:36 and 42:47 taken from @mc->srr1, R3 the real address of the original R3 and the log,
 * both big-endian. Once a fatal event was delivered to this partition, each later log has only the
 * fixed part with severity already-reported (R15).
 *
 * If @mc->unsafe_processor (R16, option 2), the vCPU is stopped instead, whether the guest has
 * registered or not, and a fatal log about it waits for event-scan. Nothing more is delivered to
 * it.
 *
 * What the host's repair() can repair is repaired before, whether the vCPU has to wait or not, and
 * the log then says fully recovered.
 *
 * returns: FWNMI_DELIVERED, or
 *	FWNMI_WAITING if another vCPU holds the buffer; delivery follows in order of arrival
 *	FWNMI_NOT_REGISTERED if the guest has not registered; nothing was changed
 *	FWNMI_ENDED if this vCPU holds the buffer, or the routine is no longer there and the policy
 *		is FWNMI_STALE_END (end_partition() has been called); or the partition had ended
 *	FWNMI_STALE if the routine is no longer there and the policy is FWNMI_STALE_TO_VECTOR;
 *		nothing was changed but what repair() did
 *	FWNMI_STOPPED if the processor is unsafe, now (stop_cpu() has been called) or since earlier
 *	FWNMI_ERR_CPU if there is no such vCPU
 *	FWNMI_ERR_INVALID if fwnmi_machine_check_validate() refuses @mc
 *	FWNMI_ERR_BUSY if this vCPU already waits: it runs no code, so keep the event until it has
 *		resumed
 *	FWNMI_ERR_MEMORY, FWNMI_ERR_REGISTERS if an operation failed; nothing was delivered
 */
int fwnmi_machine_check(struct fwnmi *f, unsigned cpu, const struct fwnmi_machine_check *mc);

/**
 * fwnmi_system_reset() - report a system reset to a vCPU (R8, R9, R11)
 * @f: the partition
 * @cpu: the vCPU interrupted
 *
 * As for a machine check, but without a log and without an interlock, and MSR[ME] stays as it was:
 * R3 points to this vCPU's slot with the original R3, because PowerVM and KVM do so and Linux
 * relies on it. If strict, R3 is left alone, which is the letter of R9. A vCPU that waits for the
 * buffer takes it after the interlock of its machine check; several until then are one. A vCPU that
 * is in its machine check handler takes it at once: the buffer and the slot are different places.
 *
 * returns: FWNMI_DELIVERED, or
 *	FWNMI_WAITING if the vCPU waits for the machine check buffer
 *	FWNMI_NOT_REGISTERED if the guest has not registered; nothing was changed
 *	FWNMI_STALE if the routine is no longer there and the policy is FWNMI_STALE_TO_VECTOR;
 *		nothing was changed
 *	FWNMI_ENDED as for fwnmi_machine_check()
 *	FWNMI_STOPPED if the processor is unsafe; nothing was changed
 *	FWNMI_ERR_CPU if there is no such vCPU
 *	FWNMI_ERR_MEMORY, FWNMI_ERR_REGISTERS if an operation failed; nothing was delivered
 */
int fwnmi_system_reset(struct fwnmi *f, unsigned cpu);

/**
 * fwnmi_signal_system_reset() - report a system reset to vCPUs that may be running (R8, R11)
 * @f: the partition
 * @cpu: the vCPU that asks for it by H_SIGNAL_SYS_RESET; any, if the host does
 * @target: the number of a vCPU, FWNMI_ALL, or FWNMI_ALL_OTHERS for all but @cpu
 *
 * Each target is kicked and takes its system reset in fwnmi_resume(), as by fwnmi_system_reset().
 * Until then any number of them are one. @cpu itself, if it is among the targets, has to call
 * fwnmi_resume() like any other before it runs guest code again.
 *
 * returns: FWNMI_WAITING, or
 *	FWNMI_NOTHING if no vCPU is meant, or all that are meant are stopped as unsafe
 *	FWNMI_ENDED if the partition had ended
 *	FWNMI_ERR_CPU if there is no such vCPU
 */
int fwnmi_signal_system_reset(struct fwnmi *f, unsigned cpu, int64_t target);

/**
 * fwnmi_interlock() - ibm,nmi-interlock (R17, R18, R19)
 * @f: the partition
 * @cpu: the vCPU that makes the call
 *
 * Releases the buffer if @cpu holds it, and gives it to the vCPU that has waited longest, which is
 * kicked. If a system reset waits for @cpu itself, @cpu is kicked too. Otherwise nothing changes,
 * and the call succeeds unless strict: PowerVM does so and Linux before 5.8 relies on it.
 *
 * returns: FWNMI_RELEASED, or
 *	FWNMI_NOTHING if @cpu has no event and not strict; the RTAS status is 0 too
 *	FWNMI_ERR_NO_EVENT if @cpu has no event and strict; the RTAS status is -1
 *	FWNMI_ERR_CPU if there is no such vCPU
 */
int fwnmi_interlock(struct fwnmi *f, unsigned cpu);

/**
 * fwnmi_resume() - a vCPU answers its kick
 * @f: the partition
 * @cpu: the vCPU, before it runs guest code; harmless without a kick
 *
 * One call delivers one event. A system reset that is pending behind a machine check comes after
 * its interlock, which kicks the vCPU once more; behind one that was handed back, by the next call.
 *
 * returns: FWNMI_DELIVERED, or
 *	FWNMI_NOTHING if nothing is pending for this vCPU: run it
 *	FWNMI_WAITING if it is not its turn yet: do not run it
 *	FWNMI_NOT_REGISTERED if fwnmi_signal_system_reset() was meant for it, and the guest has not
 *		registered: the host delivers the architected interrupt 0x100
 *	FWNMI_STALE if the routine is no longer there and the policy is FWNMI_STALE_TO_VECTOR: the
 *		host delivers what fwnmi_handed_back() says; the buffer has gone to the next vCPU
 *	FWNMI_ENDED if the partition has ended, now or before
 *	FWNMI_STOPPED if the processor is unsafe: do not run it
 *	FWNMI_ERR_CPU if there is no such vCPU
 *	FWNMI_ERR_MEMORY, FWNMI_ERR_REGISTERS if an operation failed; the event stays pending
 */
int fwnmi_resume(struct fwnmi *f, unsigned cpu);

/**
 * fwnmi_handed_back() - which event fwnmi_resume() has left to the host
 * @f: the partition
 * @cpu: a vCPU for which fwnmi_resume() has just returned FWNMI_STALE or FWNMI_NOT_REGISTERED
 * @mc: set to the machine check, if it is one
 *
 * returns: the architected vector, 0x100 or 0x200; 0 if the last fwnmi_resume() returned something
 *	else, or there is no such vCPU
 */
unsigned fwnmi_handed_back(const struct fwnmi *f, unsigned cpu, struct fwnmi_machine_check *mc);

/**
 * fwnmi_owner() - which vCPU holds the machine check buffer
 * @f: the partition
 *
 * returns: the vCPU whose machine check was delivered, or is about to be after its kick, and that
 *	has not released the buffer by ibm,nmi-interlock; -1 if the buffer is free
 */
int fwnmi_owner(const struct fwnmi *f);

/**
 * fwnmi_event_queue() - a log for the OS to fetch
 * @f: the partition
 * @source: by which call the OS is to fetch it
 * @event_class: one FWNMI_CLASS_*
 * @log: a version 6 log; copied
 * @length: its bytes
 *
 * For repair determinations that come later than the machine check (they carry its platform log id,
 * fwnmi_log_id()), and for whatever else the platform has to say. Logs for event-scan ought not to
 * be graver than a warning (LoPAR "RTAS Error and Event Classes").
 *
 * returns: 0, or
 *	FWNMI_ERR_NOSPACE if FWNMI_QUEUE_EVENTS logs are queued, or the log would make them more
 *		than FWNMI_QUEUE_SPACE bytes; nothing was changed, the host may try again when the
 *		OS has fetched some
 *	FWNMI_ERR_INVALID if @source or @event_class is none
 *	FWNMI_ERR_BADVERSION if the log is not of version 6
 *	FWNMI_ERR_TRUNCATED, FWNMI_ERR_BADSTRUCTURE as fwnmi_errlog_decode(); the latter also if the
 *		log is shorter than @length
 */
int fwnmi_event_queue(struct fwnmi *f, enum fwnmi_event_source source, uint32_t event_class,
		      const void *log, size_t length);

/**
 * fwnmi_events_pending() - how many logs wait to be fetched
 * @f: the partition
 * @source: by which call
 * @mask: the classes that count
 *
 * An interrupt that announces events has to stay asserted until there is none (LoPAR).
 *
 * returns: the number of logs
 */
unsigned fwnmi_events_pending(const struct fwnmi *f, enum fwnmi_event_source source, uint32_t mask);

/**
 * fwnmi_event_scan() - event-scan: the oldest log of the classes asked for
 * @f: the partition
 * @mask: the classes, the call's Event Mask
 * @critical: the call's Critical: only the fixed part
 * @buf: where to
 * @size: bytes at @buf, the call's Length
 *
 * The log is then gone from the queue. It is whole unless @size is too small, in which case it is
 * cut as fwnmi_errlog_fit() does. If strict, the gravest comes first, the oldest of several as
 * grave: LoPAR "RTAS Error/Event Return Format".
 *
 * An OS repeats the call until there is no log. As LoPAR wants, such a sequence of calls gets at
 * most one log, the first one after a boot two; FWNMI_NOTHING ends it, and the next starts.
 *
 * returns: bytes written; the RTAS status is 0; or
 *	FWNMI_NOTHING if there is no log, or none more in this sequence; the RTAS status is 1
 *	FWNMI_ERR_NOSPACE if @size is less than 4; the log stays; the RTAS status is -1
 */
int fwnmi_event_scan(struct fwnmi *f, uint32_t mask, bool critical, void *buf, size_t size);

/**
 * fwnmi_check_exception() - check-exception: the oldest log of the classes asked for
 * @f, @mask, @critical, @buf, @size: as for fwnmi_event_scan()
 *
 * Vector Offset and Additional Information select nothing: the mask alone does (LoPAR's note to
 * check-exception). There is no limit to a sequence of calls. A machine check that was delivered
 * has its log in the buffer, never here.
 *
 * returns: as fwnmi_event_scan()
 */
int fwnmi_check_exception(struct fwnmi *f, uint32_t mask, bool critical, void *buf, size_t size);

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
 * @buf: where to; may be NULL if @size is 0
 * @size: bytes at @buf; FWNMI_ERRLOG_MAX always suffices
 *
 * returns: the log's length in bytes, 0 if the partition has not ended, or
 *	FWNMI_ERR_NOSPACE if @size is too small
 */
int fwnmi_end_log(const struct fwnmi *f, void *buf, size_t size);

/**
 * fwnmi_end_reason_text() - say why the partition has ended
 * @reason: what end_partition() was called with
 *
 * returns: a sentence without a capital and a full stop, static storage; never NULL
 */
const char *fwnmi_end_reason_text(enum fwnmi_end_reason reason);

/**
 * fwnmi_state_size() - how long a record of the partition's state is
 * @f: the partition
 *
 * returns: bytes that fwnmi_save() would write now
 */
size_t fwnmi_state_size(const struct fwnmi *f);

/**
 * fwnmi_save() - the partition's state as a record
 * @f: the partition; at any point of an event's life
 * @buf: where to
 * @size: bytes at @buf
 *
 * The record has what the library knows: registration, the buffer's owner, the vCPUs that wait and
 * their machine checks, pending system resets, stopped vCPUs, queued logs. The error area is guest
 * memory, and that is the host's to save, like vCPU registers. The record is the same whatever the
 * byte order of the machine, carries a version, and ends with a checksum.
 *
 * returns: the record's length in bytes, or
 *	FWNMI_ERR_NOSPACE if @size is too small; @buf is untouched
 */
int fwnmi_save(const struct fwnmi *f, void *buf, size_t size);

/**
 * fwnmi_load() - set the partition's state from a record
 * @f: the partition, set up by fwnmi_init() with the nr_cpus, rtas_base, rtas_size,
 *	save_area_offset and mc_buffer_size that the saved one had; strict and stale_handler may
 *	differ
 * @buf: the record; any bytes are safe
 * @size: bytes at @buf; what follows the record is ignored
 *
 * Kicks that were on their way are not in the record: call fwnmi_resume() for every vCPU before it
 * runs guest code.
 *
 * returns: 0, or, with @f as it was,
 *	FWNMI_ERR_TRUNCATED if the record is not all there
 *	FWNMI_ERR_BADRECORD if it is none, its checksum is wrong, or it contradicts itself
 *	FWNMI_ERR_FUTURE if its version is later than this library's
 *	FWNMI_ERR_MISMATCH if it is of a partition that was set up otherwise
 */
int fwnmi_load(struct fwnmi *f, const void *buf, size_t size);

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif
#ifdef __cplusplus
}
#endif

#endif
