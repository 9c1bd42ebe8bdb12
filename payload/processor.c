/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which processor it is, and that it has the instructions and registers of that one and no more.
 * bootargs say what is expected: PVR, cpu-version, both in hexadecimal, the version of the ISA (207
 * is 2.07), that of the processor that it is compatible with, and its name in the device tree.
 */
#include "payload.h"

#define IDENTITY "pvr_is_the_processors_and_cpu_version_that_of_its_compatibility"
#define FEATURES "the_device_tree_has_the_features_of_the_processor_that_it_is_compatible_with"
#define FAMILIES "privileged_code_has_each_instruction_of_the_processors_isa_and_no_newer_one"
#define USERS	 "problem_state_has_each_instruction_of_the_compatible_isa_and_no_newer_one"
#define HAS_SPR \
	"a_register_that_the_processor_lacks_keeps_nothing_and_the_others_keep_what_they_should"
#define USER_SPR "problem_state_gets_an_illegal_instruction_for_registers_newer_than_its_isa"
#define HINTS	 "sprs_808_to_811_do_nothing_and_raise_nothing"
#define XER_BITS "xer_has_ov32_and_ca32_from_isa_3_0_on"
#define MFFSL	 "mffsl_is_mffs_before_isa_3_0"

const char *const sentences[] = { IDENTITY, FEATURES, FAMILIES, USERS, HAS_SPR,
				  USER_SPR, HINTS,    XER_BITS, MFFSL, NULL };

#define SPR_PVR 287

#define PRIVILEGED_MSR (MSR_BARE | MSR_FP | MSR_VEC | MSR_VSX)
#define USER	       (PRIVILEGED_MSR | MSR_IR | MSR_DR | MSR_PR | MSR_EE)

/* Bytes of ibm,pa-features behind its header. */
#define PA_TRANSACTIONS 22
#define PA_RADIX	40

static struct {
	u64 pvr, version, isa, compat;
	const char *name;
} want;
static bool radix;

/* Two instructions and a trap, in their own page. */
static u32 code[1024] __attribute__((aligned(4096)));

static const struct {
	const char *name;
	u32 insn;
	u16 isa;
} families[] = {
	{ "addi", 0x38c00001, 203 },	   { "popcntd", 0x7c8603f4, 206 },
	{ "lxvd2x", 0x7c001e98, 206 },	   { "xxland", 0xf0000410, 206 },
	{ "vcipher", 0x10000508, 207 },	   { "vaddudm", 0x100000c0, 207 },
	{ "mtvsrd", 0x7c060166, 207 },	   { "xsaddsp", 0xf0000000, 207 },
	{ "bcdadd.", 0x10000401, 207 },	   { "hashst", 0x7c0325a4, 207 },
	{ "modsd", 0x7cc63612, 300 },	   { "cnttzd", 0x7cc60474, 300 },
	{ "setb", 0x7cc00100, 300 },	   { "addpcis", 0x4cc00004, 300 },
	{ "darn", 0x7cc105e6, 300 },	   { "mcrxrx", 0x7c000480, 300 },
	{ "ldat", 0x7cc304cc, 300 },	   { "lxv", 0xf4030001, 300 },
	{ "lxvx", 0x7c001a18, 300 },	   { "xxspltib", 0xf0000ad0, 300 },
	{ "xsaddqp", 0xfc000008, 300 },	   { "vcmpneb", 0x10000007, 300 },
	{ "vextractub", 0x1000020d, 300 }, { "brd", 0x7cc60176, 310 },
	{ "setbc", 0x7cc00300, 310 },	   { "pdepd", 0x7cc63138, 310 },
	{ "vmulld", 0x100001c9, 310 },	   { "vdivsq", 0x1000010b, 310 },
	{ "xxmtacc", 0x7c010162, 310 },	   { "xvf32gerpp", 0xec0000d6, 310 },
};

/* ---- helpers ---- */

static u64 number(const char **text, unsigned base)
{
	u64 n = 0;

	for (; **text && **text != ' '; (*text)++)
		n = n * base + (u64)(**text <= '9' ? **text - '0' : **text - 'a' + 10);
	if (**text)
		(*text)++;
	return n;
}

static void read_bootargs(void)
{
	const char *text = bootargs();

	want.pvr = number(&text, 16);
	want.version = number(&text, 16);
	want.isa = number(&text, 10);
	want.compat = number(&text, 10);
	want.name = text;
	if (!*text)
		bail_out("bootargs lack the processor's name");
}

static const char *node(void)
{
	static char path[40] = "/cpus/PowerPC,";
	unsigned n = 14;

	for (const char *p = want.name; *p && n < sizeof(path) - 1; p++)
		path[n++] = *p;
	path[n] = '\0';
	return path;
}

static u64 place[4] __attribute__((aligned(16)));

static void run_privileged(u32 first, u32 second, u64 r3)
{
	write_pair(code, first, second);
	run(code, PRIVILEGED_MSR, r3, 0, 0, 0);
}

/* Did it end at the trap, or else as an illegal instruction? */
static bool check_there(const char *sentence, const u8 *at, u64 msr, bool there)
{
	return check_caught(sentence, 0x700, at, there ? 8 : 4, msr, there ? TRAPPED : ILLEGAL);
}

/* ---- tests ---- */

static void test_identity(void)
{
	u32 len;
	const u8 *features = fdt_property(node(), "ibm,pa-features", &len);

	check_equal(IDENTITY, mfspr(SPR_PVR), want.pvr, "PVR");
	check_equal(IDENTITY, fdt_u32(node(), "cpu-version"), want.version, "cpu-version");
	if (!features)
		bail_out("there are no ibm,pa-features");
	check_equal(FEATURES, len, want.compat < 300 ? 26 : want.compat < 310 ? 66 : 76, "length");
	check_equal(FEATURES, features[0], len - 2, "length in the header");
	check_equal(FEATURES, features[2 + PA_TRANSACTIONS], 0, "transactional memory");
	radix = len > 2 + PA_RADIX && features[2 + PA_RADIX] & 0x80;
	check_equal(FEATURES, radix, want.compat >= 300, "radix");
}

static void test_families(void)
{
	for (unsigned i = 0; i < ARRAY_SIZE(families); i++) {
		run_privileged(NOP, families[i].insn, (u64)place);
		if (!check_there(FAMILIES, (void *)code, PRIVILEGED_MSR,
				 families[i].isa <= want.isa))
			print("# %s\n", families[i].name);
	}
}

static void test_users(void)
{
	const u8 *at = users_code(code);

	for (unsigned i = 0; i < ARRAY_SIZE(families); i++) {
		write_pair(code, NOP, families[i].insn);
		run(at, USER, USER_CODE + PAGE, 0, 0, 0);
		if (!check_there(USERS, at, USER, families[i].isa <= want.compat))
			print("# %s\n", families[i].name);
	}
}

static const struct {
	u16 number, user, first, last;
} registers[] = {
	{ 144, 0, 300, 300 }, /* TIDR */
	{ 823, 0, 300, 999 }, /* PSSCR */
	{ 754, 738, 310, 999 }, /* MMCR3 */
	{ 752, 736, 310, 999 }, /* SIER2 */
	{ 753, 737, 310, 999 }, /* SIER3 */
	{ 828, 812, 310, 999 }, /* DEXCR */
	{ 468, 0, 310, 999 }, /* HASHKEYR */
	{ 785, 769, 207, 999 }, /* MMCR2 */
	{ 48, 0, 207, 999 }, /* PIDR */
	{ 61, 0, 207, 999 }, /* IAMR */
};

static void test_registers(void)
{
	const u8 *at = users_code(code);

	for (unsigned i = 0; i < ARRAY_SIZE(registers); i++) {
		const unsigned n = registers[i].number, user = registers[i].user;
		const bool there = want.isa >= registers[i].first && want.isa <= registers[i].last;

		run_privileged(spr(MTSPR, n, 3), spr(MFSPR, n, 4), 0x15);
		check_there(HAS_SPR, (void *)code, PRIVILEGED_MSR, true);
		if (!check_equal(HAS_SPR, caught.gpr[4], there ? 0x15 : 0, "what is kept"))
			print("# SPR %u\n", n);
		run_privileged(spr(MTSPR, n, 3), NOP, 0);
		if (!user)
			continue;
		write_pair(code, NOP, spr(MFSPR, user, 4));
		run(at, USER, 0, 0, 0, 0);
		if (!check_there(USER_SPR, at, USER, want.compat >= registers[i].first))
			print("# SPR %u\n", user);
	}
}

static void test_hints(void)
{
	const u8 *at = users_code(code);

	for (unsigned n = 808; n <= 811; n++) {
		run_privileged(spr(MTSPR, n, 3), spr(MFSPR, n, 5), 1);
		check_there(HINTS, (void *)code, PRIVILEGED_MSR, true);
		write_pair(code, spr(MTSPR, n, 3), spr(MFSPR, n, 5));
		run(at, USER, 1, 0, 0, 0);
		check_there(HINTS, at, USER, true);
	}
}

static void test_older_meanings(void)
{
	static u64 fpscr;

	run_privileged(spr(MTSPR, 1, 3), spr(MFSPR, 1, 4), ~0ull);
	check_equal(XER_BITS, caught.gpr[4], want.isa < 300 ? 0xe000007f : 0xe00c007f, "XER");

	/* lfd f0; mtfsf 255,f0: then mffsl f1; stfd f1 */
	fpscr = 0x02000083; /* XX, which mffsl does not tell; VE, RN */
	run_privileged(0xc8030000, 0xfdfe058e, (u64)&fpscr);
	check_there(MFFSL, (void *)code, PRIVILEGED_MSR, true);
	run_privileged(0xfc38048e, 0xd8230000, (u64)place);
	check_there(MFFSL, (void *)code, PRIVILEGED_MSR, true);
	check_equal(MFFSL, place[0], want.isa < 300 ? 0x02000083 : 0x83, "what mffsl tells");
	fpscr = 0;
	run_privileged(0xc8030000, 0xfdfe058e, (u64)&fpscr);
}

/* Problem state needs translation. */
static void translate(void)
{
	if (radix) {
		radix_start();
		radix_map_users_code(0, PTE_USER);
		radix_map(0, USER_CODE + PAGE, (u64)radix_page(), PTE_USER);
		return;
	}
	if (!hash_start())
		bail_out("the device tree offers neither radix translation nor a hash table");
	hash_map_users_code();
	hash_map(USER_CODE + PAGE, (u64)radix_page(), HPTE_USER);
}

void payload(void)
{
	interrupts_in_own_endian();
	on_interrupt = leave_run;
	read_bootargs();
	test_identity();
	test_families();
	translate();
	test_users();
	test_registers();
	test_hints();
	test_older_meanings();
}
