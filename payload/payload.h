/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Shared by the payloads. A payload is a bare-metal program for `fwnmi run -kernel` that checks a
 * partition from inside and prints TAP on its console. Lines that start with '@' tell the runner
 * (tests/payload/run.py) what to inject and what to wait for.
 */
#ifndef PAYLOAD_H
#define PAYLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "layout.h"

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int64_t s64;

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#define MSR_SF	 (1ull << MSR_HIGH_SF)
#define MSR_VEC	 0x2000000ull
#define MSR_VSX	 0x800000ull
#define MSR_EE	 0x8000ull
#define MSR_PR	 0x4000ull
#define MSR_FP	 0x2000ull
#define MSR_ME	 0x1000ull
#define MSR_SE	 0x400ull
#define MSR_BE	 0x200ull
#define MSR_IR	 0x20ull
#define MSR_DR	 0x10ull
#define MSR_RI	 0x2ull
#define MSR_LE	 ((u64)MSR_OWN_LE)
/* MSR at entry to an interrupt, and while a payload's C code runs. */
#define MSR_BARE (MSR_SF | MSR_ME | MSR_LE)

/* The SRR1 bits that an interrupt does not copy from the MSR. */
#define SRR1_CAUSE 0x783f0000ull

/* Registers at entry to an interrupt or a notification routine. */
struct frame {
	u64 gpr[32];
	u64 cr, xer, lr, ctr, sprg[4];
	u64 srr0, srr1, msr;
	u64 nip; /* shortly after the entry point: tells real mode from relocated */
	u64 dar, dsisr, tar, vector;
};
_Static_assert(sizeof(struct frame) == F_SIZE, "start.S knows struct frame");
_Static_assert(offsetof(struct frame, vector) == F_VECTOR, "start.S knows struct frame");

/* A loop with known registers. spin_in() runs it until flag is set. */
struct spin {
	volatile u64 flag;
	u64 sp;
	struct frame in, out;
	u8 vsr_in[64 * 16], vsr_out[64 * 16];
	u64 fpscr_in, fpscr_out;
};
_Static_assert(offsetof(struct spin, out) == S_OUT, "start.S knows struct spin");
_Static_assert(offsetof(struct spin, fpscr_in) == S_FPSCR, "start.S knows struct spin");

/* ---- start.S ---- */
extern u8 vectors[], vectors_end[], payload_end[], own_rtas[], spin_loop[], spin_end[],
	start_secondary[];
extern u8 machine_check_routine[], system_reset_routine[], system_reset_routine_smp[],
	other_endian_routine[];
void hcall(u64 regs[10]);
u64 enter_rtas(void *args, u64 entry);
extern u64 rtas_before[18], rtas_after[18]; /* R14 to R31 around the last call */
void spin_in(struct spin *spin);
void run_at(u64 nip, u64 msr, const u64 registers[8]);

/* ---- what a payload defines ---- */
void payload(void);
/* The sentences that it proves, each by at least one check; NULL at the end. */
extern const char *const sentences[];

/* ---- lib.c: what a payload may set ---- */
/*
 * Called with the registers of the interrupted code, which continues with what they leave in the
 * frame.
 */
extern void (*on_interrupt)(struct frame *frame);
/* Does the payload want the decrementer's interrupts? */
extern bool uses_decrementer;
extern void (*on_machine_check)(struct frame *frame);
extern void (*on_system_reset)(struct frame *frame);
extern void (*on_secondary)(u64 cpu);

/*
 * Runs code, with R3 to R6 as given, until its first interrupt, or a machine check or system reset
 * at a registered routine. The interrupted state is in `caught`. Code that can reach its end must
 * end with a trap.
 */
extern struct frame caught;
void run(const void *code, u64 msr, u64 r3, u64 r4, u64 r5, u64 r6);
/* The same, with R3 to R10 as given. */
void run_registers(const void *code, u64 msr, const u64 registers[8]);
/* Ends run(); called from on_interrupt and the like. */
void leave_run(struct frame *frame);
/* Checks that run() ended with @vector at @code + @offset, and that SRR1 was @msr with @cause. */
bool check_caught(const char *sentence, u64 vector, const void *code, unsigned offset, u64 msr,
		  u64 cause);
#define TRAPPED		 0x20000ull /* SRR1 of the trap at the end */
#define ILLEGAL		 0x80000ull
#define PRIVILEGED	 0x40000ull
/* SRR1 of a trace interrupt */
#define TRACED		 0x40000000ull
#define TRACED_LOAD	 0x10000000ull
#define TRACED_STORE	 0x08000000ull
/* SRR1 of an instruction storage interrupt has the first two, too. */
#define DSISR_NO_PTE	 0x40000000u
#define DSISR_PROTECTION 0x08000000u
#define DSISR_STORE	 0x02000000u
#define SRR1_NO_EXECUTE	 0x10000000u
/* SRR1 of a machine check. Bit 42: the cause is in DSISR */
#define LOAD_STORE	 0x200000
/* POWER9's causes of a bad real address */
#define BAD_FETCH	 0x080c0000
#define DSISR_BAD	 0x40
/* Code for run(): a name and instructions. */
#define CODE(name, instructions)       \
	extern const u8 name[];        \
	__asm__(".pushsection .text\n" \
		".balign 16\n"         \
		".globl " #name "\n" #name ":\n" instructions "\n.popsection\n")

/* ---- how the payload was started ---- */
struct boot {
	u64 fdt, r4, r5, msr;
	u64 secondary_msr[MAX_CPUS];
};
extern struct boot boot;
extern u64 rtas_base, rtas_size, rtas_entry, memory_size;
extern unsigned nr_cpus;
const void *fdt_property(const char *path, const char *name, u32 *len); /* or NULL */
const char *cpu_node(void); /* of the processors, for fdt_property() */
const char *bootargs(void);
u32 fdt_u32(const char *path, const char *name); /* ends the payload if it is missing */

/* ---- console and results ---- */
void print(const char *format, ...) __attribute__((format(printf, 1, 2))); /* %s %c %u %x %lu %lx */
/* One check of @sentence; returns @ok. */
bool check(const char *sentence, bool ok, const char *what);
bool check_equal(const char *sentence, u64 got, u64 want, const char *what);
void bail_out(const char *why) __attribute__((noreturn));
void finish(void) __attribute__((noreturn)); /* results, power off */
void power_off(void) __attribute__((noreturn));
/* Sends a request to the runner, "@line", and waits until it answers. */
void ask(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The same without waiting. */
#define tell(...) print(__VA_ARGS__)

/* ---- calls ---- */
enum {
	H_SUCCESS = 0,
	H_FUNCTION = -2,
	H_PARAMETER = -4,
	H_P2 = -55,
	H_P3 = -56,
	H_P4 = -57,
	H_P5 = -58,
	H_CEDE = 0xe0,
	H_CONFER = 0xe4,
	H_PROD = 0xe8,
	H_EOI = 0x64,
	H_CPPR = 0x68,
	H_IPI = 0x6c,
	H_IPOLL = 0x70,
	H_XIRR = 0x74,
	H_GET_TERM_CHAR = 0x54,
	H_PUT_TERM_CHAR = 0x58,
	H_SET_MODE = 0x31c,
	H_REGISTER_PROCESS_TABLE = 0x37c,
	H_SIGNAL_SYS_RESET = 0x380,
};
s64 hcall4(u64 number, u64 r4, u64 r5, u64 r6, u64 r7);

/*
 * Calls RTAS by name, with @count inputs and up to @nr_rets outputs after the status. Returns the
 * status.
 */
#define PARAMETER_ERROR ((u32)-3)
#define RTAS_NO_STATUS	0x7fffffff /* the call did not write to the buffer */
int rtas(const char *name, unsigned nr_args, unsigned nr_rets, const u32 *args, u32 *rets);
u32 rtas_token(const char *name);
int rtas0(const char *name);
int nmi_register(u64 system_reset, u64 machine_check);
int nmi_interlock(void);
/* Starts @cpu in on_secondary(@cpu) by start-cpu. */
void start_cpu(unsigned cpu);
void set_interrupt_endian(bool little);
void interrupts_in_own_endian(void);

/* ---- registers ---- */
#define mfspr(n)                                                      \
	({                                                            \
		u64 v_;                                               \
		__asm__ volatile("mfspr %0, %1" : "=r"(v_) : "i"(n)); \
		v_;                                                   \
	})
#define mtspr(n, v) __asm__ volatile("mtspr %0, %1" : : "i"(n), "r"((u64)(v)) : "memory")
#define SPR_DSISR   18
#define SPR_DAR	    19
#define SPR_DEC	    22
#define SPR_SRR0    26
#define SPR_SRR1    27
#define SPR_AMR	    29
#define SPR_IAMR    61
#define SPR_PIDR    48
#define SPR_FSCR    153
#define SPR_TB	    268
#define SPR_PIR	    1023

/* Its interrupt is four seconds of the host's clock away, unless the payload wants it. */
static inline void park_decrementer(void)
{
	if (!uses_decrementer)
		mtspr(SPR_DEC, 0x7fffffff);
}

static inline u64 mfmsr(void)
{
	u64 v;

	__asm__ volatile("mfmsr %0" : "=r"(v) : : "memory");
	return v;
}

static inline void mtmsr(u64 v)
{
	__asm__ volatile("mtmsrd %0; isync" : : "r"(v) : "memory");
}

/* MSR[RI] alone */
static inline void mtmsr_ri(u64 v)
{
	__asm__ volatile("mtmsrd %0, 1" : : "r"(v) : "memory");
}

static inline unsigned this_cpu(void)
{
	return (unsigned)mfspr(SPR_PIR);
}

static inline void barrier(void)
{
	__asm__ volatile("" : : : "memory");
}

/* Makes newly written code visible to instruction fetch. */
static inline void flush_code(void *p)
{
	__asm__ volatile("dcbst 0,%0; sync; icbi 0,%0; sync; isync" : : "r"(p) : "memory");
}

/* Instructions for code that is written; spr() completes MTSPR and MFSPR. */
#define NOP   0x60000000u
#define TRAP  0x7fe00008u
#define MTSPR 0x7c0003a6u
#define MFSPR 0x7c0002a6u
static inline u32 spr(u32 insn, unsigned number, unsigned r)
{
	return insn | r << 21 | (number & 31) << 16 | (number >> 5) << 11;
}
/* Writes two instructions and a trap. */
void write_pair(u32 *code, u32 first, u32 second);

static inline u64 big64(u64 v)
{
	return MSR_LE ? __builtin_bswap64(v) : v;
}

static inline u32 big32(u32 v)
{
	return MSR_LE ? __builtin_bswap32(v) : v;
}

/* A xorshift generator, from a state that is not 0. */
u64 random_next(u64 *state);
/* Goes on with a checksum, over the doublewords of [@from, @to). */
u64 sum_up(u64 sum, u64 from, u64 to);
void *memcpy(void *to, const void *from, size_t n);
void *memset(void *to, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
u64 read_be64(const volatile void *p);
u32 read_be32(const volatile void *p);
u16 read_be16(const volatile void *p);

/* Are trampolines in use? After registration only: then they replace our vectors. */
bool by_trampoline(void);

/* ---- spin.c: known registers, and which of them an event may change ---- */
/* Fills every register with a pattern; MSR = @msr. */
void spin_prepare(struct spin *spin, u64 seed, u64 msr);
/* At entry to a notification routine, checks all registers except R3, SRR0 and SRR1. */
void check_registers_kept(const char *sentence, const struct spin *spin, const struct frame *frame);
/* After spin_in(), checks that the interrupted code continued with its registers intact. */
void check_went_on(const char *sentence, const struct spin *spin);

/* ---- log.c: version 6 error logs ---- */
struct log {
	unsigned version, severity, disposition, initiator, target, type;
	bool extended;
	u32 extended_length;
	unsigned flags, format; /* bytes 0 and 2 of the extended part's header */
	bool of_ibm;
	unsigned nr_sections, sections[8]; /* ids of the first sections */
	unsigned section_count, creator; /* Main-A */
	u32 id;
	unsigned subsystem, event_severity, event_subtype, action; /* Main-B */
	unsigned src_version;
	u64 reference_code; /* its first eight characters */
	bool has_mc;
	unsigned mc_length;
	unsigned error_type, subtype; /* subtype: the whole byte, with its flags */
	u32 processor;
	u64 effective_address, logical_address;
};
void read_log(struct log *log, const void *at);
/* In on_machine_check: reads the log, releases the buffer and ends run(). */
void end_machine_check(struct log *log, struct frame *frame);

enum {
	UE = 0,
	SLB = 1,
	ERAT = 2,
	TLB = 4,
	D_CACHE = 5,
	I_CACHE = 7
};
enum {
	ERROR_SYNC = 3,
	FATAL = 5,
	ALREADY_REPORTED = 6
};

/* ---- radix.c: translation on ---- */
#define PAGE	   4096ull
#define PTE_VALID  (1ull << 63)
#define PTE_LEAF   (1ull << 62)
#define PTE_R	   0x100ull
#define PTE_C	   0x80ull
#define PTE_PRIV   0x8ull
#define PTE_READ   0x4ull
#define PTE_WRITE  0x2ull
#define PTE_EXEC   0x1ull
#define PTE_KERNEL (PTE_PRIV | PTE_READ | PTE_WRITE | PTE_EXEC)
#define PTE_USER   (PTE_READ | PTE_WRITE | PTE_EXEC)
/*
 * Maps effective addresses from 0 in PID 0 to the same real addresses, privileged, with 2 MiB
 * pages. Registers the process table.
 */
void radix_start(void);
/* Registers it again. @gtse: the guest does its own tlbie. */
void radix_register(bool gtse);
/*
 * Returns the page table entry (big-endian) of the 4 KiB page at @ea for @pid; creates missing
 * tables.
 */
u64 *radix_pte(unsigned pid, u64 ea);
/* The same at the level where a page has 1 << @shift bytes: 12, 21 or 30. */
u64 *radix_entry(unsigned pid, u64 ea, unsigned shift);
void radix_map(unsigned pid, u64 ea, u64 ra, u64 bits);
void radix_invalidate(unsigned pid, u64 ea);
/* Where problem state finds the payload's code: this + its real address. */
#define USER_CODE 0x200000000ull
void radix_map_users_code(unsigned pid, u64 bits);
static inline const void *users_code(const void *code)
{
	return (const void *)(USER_CODE + (u64)code);
}
/* Where privileged code finds it while quadrant 0 belongs to another process. */
#define QUADRANT3 0xc000000000000000ull
static inline const void *kernels_code(const void *code)
{
	return (const void *)(QUADRANT3 + (u64)code);
}

u64 *radix_process_entry(unsigned pid); /* two doublewords, big-endian */
void *radix_page(void); /* a zeroed page of memory, aligned */

/* ---- hash.c: the same by a hash table ---- */
#define HPTE_PRIVILEGED 0ull /* PP: problem state reaches nothing */
#define HPTE_USER	2ull
#define HPTE_READ_ONLY	3ull
#define HPTE_NO_EXECUTE 4ull
#define HPTE_C		0x80ull
/*
 * Maps segment 0 to the same real addresses, privileged, with 16 MiB pages, and chooses the hash
 * table. Returns false if the device tree offers none.
 */
bool hash_start(void);
/* Enters the 4 KiB page at @ea, which has no entry. */
void hash_map(u64 ea, u64 ra, u64 bits);
/* Removes it, if it has one. Returns the second doubleword of the entry, or 0. */
u64 hash_unmap(u64 ea);
/* Changes PP and N of the entry of the page. */
void hash_protect(u64 ea, u64 bits);
/* Entry @slot of the SLB for the segment of @ea, with pages of 4 KiB or 16 MiB. */
void hash_segment(unsigned slot, u64 ea, bool large);
/* As radix_map_users_code(), with slot 1 of the SLB. */
void hash_map_users_code(void);

#endif
