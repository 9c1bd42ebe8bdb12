// SPDX-License-Identifier: BSD-2-Clause
/*
 * Compares registers with the values that registers.S put there.
 */
#include "registers.h"

#define SCRATCH_SIZE 0x10000
/* More wrong registers than this are not named one by one. */
#define MAX_REPORTS  16

/* What a system call preserves of CR: fields 2, 3 and 4 (syscall64-abi.rst). */
#define CALL_PRESERVED_CR 0x00fff000
#define CR0_SO		  0x10000000

/* Known values of registers that code between functions does not use. */
#define SPR_DSCR	3
#define SPR_TAR		815
#define SPR_PPR		896
#define KNOWN_TAR	0x51e3a7c90f2b6d84
#define KNOWN_DSCR	0x0000000000000015 /* URG 1, DPFD 5 */
#define PPR_PRIORITY	0x001c000000000000
#define KNOWN_PRIORITY	0x000c000000000000 /* medium low: or 6,6,6 */
#define MEDIUM_PRIORITY 0x0010000000000000

#define GET_SPR(number, value) __asm__ volatile("mfspr %0, %1" : "=r"(value) : "i"(number))
#define SET_SPR(number, value) \
	__asm__ volatile("mtspr %0, %1" : : "i"(number), "r"((uint64_t)(value)))

extern struct registers seen_registers;
extern long call_arguments[7];

void registers_window_fp(void), registers_window_vmx(void), registers_window_vsx(void);
void registers_call_fp(void), registers_call_vmx(void), registers_call_vsx(void);
extern uint32_t registers_slot_fp[], registers_slot_vmx[], registers_slot_vsx[];

static const struct facilities {
	void (*window)(void), (*call)(void);
	uint32_t *slot;
	bool vmx, vsx;
} each_facilities[] = {
	{ registers_window_fp, registers_call_fp, registers_slot_fp, false, false },
	{ registers_window_vmx, registers_call_vmx, registers_slot_vmx, true, false },
	{ registers_window_vsx, registers_call_vsx, registers_slot_vsx, true, true },
};
static const struct facilities *facilities;
static bool has_tar, has_dscr, has_ppr;
static unsigned nr_reports; /* in this comparison */
static uint64_t page_size;

void registers_begin(const struct environment *env)
{
	long result;

	page_size = env->page_size;
	has_tar = env->hwcap2 & HWCAP2_TAR;
	has_dscr = env->hwcap2 & HWCAP2_DSCR;
	has_ppr = env->hwcap2 & HWCAP2_ARCH_2_07;
	facilities = &each_facilities[0];
	if (env->hwcap & HWCAP_ALTIVEC)
		facilities = &each_facilities[1];
	if ((env->hwcap & HWCAP_ALTIVEC) && (env->hwcap & HWCAP_VSX))
		facilities = &each_facilities[2];
	result = CALL(NR_mmap, SCRATCH_ADDRESS, SCRATCH_SIZE, PROT_READ | PROT_WRITE,
		      MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	if (result != SCRATCH_ADDRESS)
		workload_failed("mmap of the scratch page", result);
}

static void check_register(const char *name, int number, uint64_t is, uint64_t should_be)
{
	struct line line;

	if (is == should_be || nr_reports++ >= MAX_REPORTS)
		return;
	workload_corrupt(&line);
	put_text(&line, name);
	if (number >= 0)
		put_decimal(&line, (uint64_t)number);
	put_text(&line, " is ");
	put_hex(&line, is);
	put_text(&line, " not ");
	put_hex(&line, should_be);
	note_end(&line);
}

static void check_vector(const char *name, int number, const uint64_t is[2],
			 const uint64_t should_be[2])
{
	struct line line;

	if ((is[0] == should_be[0] && is[1] == should_be[1]) || nr_reports++ >= MAX_REPORTS)
		return;
	workload_corrupt(&line);
	put_text(&line, name);
	if (number >= 0)
		put_decimal(&line, (uint64_t)number);
	put_text(&line, " is 0x");
	put_hex_digits(&line, is[0]);
	put_hex_digits(&line, is[1]);
	put_text(&line, " not 0x");
	put_hex_digits(&line, should_be[0]);
	put_hex_digits(&line, should_be[1]);
	note_end(&line);
}

/* VSRs 0 to 31 are the FPRs, and more; 32 to 63 are the VRs. */
static void check_vsr(int number)
{
	const uint64_t *is = seen_registers.vsr[number], *known = known_registers.vsr[number];

	if (number >= 32) {
		if (facilities->vmx)
			check_vector("v", number - 32, is, known);
	} else if (!facilities->vsx || is[1] == known[1]) {
		check_register("f", number, is[0], known[0]);
	} else {
		check_vector("vs", number, is, known);
	}
}

static void check_rest(void)
{
	check_register("lr", -1, seen_registers.lr, known_registers.lr);
	check_register("ctr", -1, seen_registers.ctr, known_registers.ctr);
	check_register("xer", -1, seen_registers.xer, known_registers.xer);
	check_register("cr", -1, seen_registers.cr, known_registers.cr);
}

/* fork() hands down VRSAVE as it was when Linux last switched to another process. */
static void check_float(bool with_vrsave)
{
	for (int n = 0; n < 64; n++)
		check_vsr(n);
	check_register("fpscr", -1, seen_registers.fpscr, known_registers.fpscr);
	if (!facilities->vmx)
		return;
	check_register("vscr", -1, seen_registers.vscr[0] & 0xffffffff,
		       known_registers.vscr[0] & 0xffffffff);
	if (with_vrsave)
		check_register("vrsave", -1, seen_registers.vrsave, known_registers.vrsave);
}

/* The quick look at many registers: whether any of them differs. */
static uint64_t differences(const uint64_t *a, const uint64_t *b, unsigned count)
{
	uint64_t any = 0;

	for (; count >= 4; count -= 4, a += 4, b += 4)
		any |= (a[0] ^ b[0]) | (a[1] ^ b[1]) | (a[2] ^ b[2]) | (a[3] ^ b[3]);
	for (; count; count--)
		any |= *a++ ^ *b++;
	return any;
}

static bool float_differs(void)
{
	unsigned nr_vsrs = facilities->vmx ? 64 : 32;

	if (!facilities->vsx)
		return true; /* not worth a quick look of its own */
	return differences(seen_registers.vsr[0], known_registers.vsr[0], 2 * nr_vsrs) ||
	       differences(&seen_registers.fpscr, &known_registers.fpscr, 3);
}

/* The window stores differences, and two of them in others: see registers.S. */
static void untangle(uint64_t *gpr, unsigned gone, unsigned one, unsigned other)
{
	gpr[gone] = gpr[one] == gpr[other] ? gpr[one] : 0;
	if (gpr[gone])
		gpr[one] = gpr[other] = 0;
}

static void check_window_gprs(void)
{
	uint64_t *gpr = seen_registers.gpr, any = 0;

	untangle(gpr, 3, 4, 5);
	untangle(gpr, 6, 7, 8);
	for (unsigned n = 0; n < 32; n++)
		any |= gpr[n];
	for (int n = 0; any && n < 32; n++) {
		uint64_t known = known_registers.gpr[n];

		check_register("r", n, known ^ (gpr[n] << 32 | gpr[n] >> 32), known);
	}
}

/* The window leaves these alone. */
static void load_special(void)
{
	if (has_tar)
		SET_SPR(SPR_TAR, KNOWN_TAR);
	if (has_dscr)
		SET_SPR(SPR_DSCR, KNOWN_DSCR);
	if (has_ppr)
		__asm__ volatile("or 6, 6, 6");
}

struct special {
	uint64_t tar, dscr, ppr;
};

static struct special store_special(void)
{
	struct special seen = { KNOWN_TAR, KNOWN_DSCR, KNOWN_PRIORITY };

	if (has_ppr) {
		GET_SPR(SPR_PPR, seen.ppr);
		__asm__ volatile("or 2, 2, 2");
	}
	if (has_tar)
		GET_SPR(SPR_TAR, seen.tar);
	if (has_dscr)
		GET_SPR(SPR_DSCR, seen.dscr);
	return seen;
}

static void check_special(const struct special *seen)
{
	check_register("tar", -1, seen->tar, KNOWN_TAR);
	check_register("dscr", -1, seen->dscr, KNOWN_DSCR);
	/*
	 * Linux's handler of machine checks (machine_check_early) begins by or 2,2,2, and does not
	 * restore what that overwrites.
	 */
	if ((seen->ppr & PPR_PRIORITY) != MEDIUM_PRIORITY)
		check_register("ppr", -1, seen->ppr & PPR_PRIORITY, KNOWN_PRIORITY);
}

void registers_window(void)
{
	struct special special;

	load_special();
	facilities->window();
	special = store_special();
	nr_reports = 0;
	check_special(&special);
	check_window_gprs();
	check_rest();
	if (float_differs())
		check_float(true);
}

void registers_patch(uint32_t instruction)
{
	uint32_t *slot = facilities->slot;
	uint64_t page = (uintptr_t)slot & -page_size;
	long result;

	result = CALL(NR_mprotect, page, page_size, PROT_READ | PROT_WRITE | PROT_EXEC);
	if (result < 0)
		workload_failed("mprotect of the window", result);
	*slot = instruction;
	__asm__ volatile("dcbst 0, %0; sync; icbi 0, %0; isync" : : "r"(slot) : "memory");
}

long registers_call(const long arguments[7])
{
	const uint64_t *is = seen_registers.gpr, *known = known_registers.gpr;
	long result;

	for (int i = 0; i < 7; i++)
		call_arguments[i] = arguments[i];
	facilities->call();
	result = (long)is[3];
	nr_reports = 0;
	check_register("r", 1, is[1], known[1]);
	check_register("r", 2, is[2], known[2]);
	for (int n = 13; n < 32; n++)
		check_register("r", n, is[n], known[n]);
	check_register("lr", -1, seen_registers.lr, known_registers.lr);
	check_register("cr", -1, seen_registers.cr & CALL_PRESERVED_CR,
		       known_registers.cr & CALL_PRESERVED_CR);
	if (float_differs())
		check_float(false);
	return seen_registers.cr & CR0_SO ? -result : result;
}
