/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the code of x86-64 recipes asks of the host's processor: what every one has, and what the
 * recipe says that it needs. So each works on hosts that lack the rest.
 */
#include "listing.h"

#include "engine_calls.h"
#include "../fakes/random.h"
#include "engine/emu/jit/x86_64.h"

#define VARIANTS 4 /* of each instruction */

static struct emitter emitter;
static struct code_page page;
static union {
	struct block block;
	uint8_t room[sizeof(struct block) + 5 * sizeof(struct uop)];
} code;
static uint64_t seed;

/* The call, then the end of the block */
static void make_block(const struct called *c, unsigned mode)
{
	struct uop *u = code.block.uops;

	memset(&code, 0, sizeof(code));
	page.mode = mode;
	code.block.page = &page;
	code.block.nr_insns = code.block.nr_words = 1;
	make_call(u, c, (uint32_t)splitmix64(&seed));
	u[1] = (struct uop){ .kind = UOP_leave, .fn = uop_body[UOP_leave] };
	u[2].kind = u[3].kind = UOP_link;
	u[4] = (struct uop){ .kind = UOP_trailer, .imm = (uintptr_t)&code.block };
}

/* ---- the code, and whose it is ---- */

static struct listing listing;
static struct {
	unsigned needs;
	const char *name;
} owner[LISTING_BLOCKS];

/* What hosts execute that have all features of this one, but for @without */
static void list_all(unsigned without)
{
	for (size_t i = 0; i < VARIANTS * ARRAY_SIZE(called); i++) {
		const struct called *c = &called[i / VARIANTS];
		const struct sem_recipe *recipe, *full;

		make_block(c, i & 1 ? CODE_LE : 0);
		recipes_for(look_at_host());
		full = recipe_of(&code.block.uops[0], page.mode);
		recipes_for(look_at_host() & ~without);
		recipe = recipe_of(&code.block.uops[0], page.mode);
		if (!recipe || (without && recipe == full))
			continue;
		assert_int_equal(recipe->needs & without, 0);
		list_block(&listing, &emitter, &code.block);
		owner[listing.nr - 1].needs = recipe->needs;
		owner[listing.nr - 1].name = c->name;
	}
}

/* ---- what instructions there are, by the beginning of their names ---- */

static unsigned needs_of(const char *text)
{
	static const struct {
		const char *begins;
		unsigned needs;
	} table[] = { { "popcnt", HOST_POPCNT },  { "pext", HOST_BMI2 },
		      { "pdep", HOST_BMI2 },	  { "vfm", HOST_FMA },
		      { "vfnm", HOST_FMA },	  { "vaes", HOST_AES },
		      { "vpclmul", HOST_PCLMUL }, { "vprol", HOST_AVX512 },
		      { "vpror", HOST_AVX512 },	  { "vptern", HOST_AVX512 },
		      { "v", HOST_AVX2 } };

	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		if (!strncmp(text, table[i].begins, strlen(table[i].begins)))
			return table[i].needs;
	return 0;
}

/* What a host has that has these: look_at_host() says so. */
static unsigned implied(unsigned needs)
{
	return needs | (needs & (HOST_FMA | HOST_AES | HOST_PCLMUL | HOST_AVX512) ? HOST_AVX2 : 0);
}

/* Of an x86-64 without any of these, all that the emitter uses */
static bool every_host_has(const char *text)
{
	static const char *const some_lack[] = { "lzcnt", "tzcnt", "andn", "bextr", "bzhi",  "mulx",
						 "rorx",  "sarx",  "shlx", "shrx",  "movbe", "adcx",
						 "adox",  "crc32", "sha",  "aes",   "pclmul" };

	for (size_t i = 0; i < ARRAY_SIZE(some_lack); i++)
		if (!strncmp(text, some_lack[i], strlen(some_lack[i])))
			return false;
	return true;
}

static void code_has_no_instruction_that_its_recipe_does_not_need(void **state)
{
	static struct disassembled insns[LISTING_BYTES / 3];
	unsigned used = 0, block = 0;
	int n;

	list_all(0);
	for (unsigned feature = 1; feature <= look_at_host(); feature <<= 1)
		list_all(feature);
	assert_int_not_equal(listing.nr, 0);
	n = disassemble(&DISASSEMBLER_HOST, listing.bytes, listing.used, insns, ARRAY_SIZE(insns));
	if (n < 0)
		fail_msg("there is no objdump");
	assert_in_range(n, 1, ARRAY_SIZE(insns) - 1);
	for (int i = 0; i < n; i++) {
		const unsigned needs = needs_of(insns[i].text);

		while (block + 1 < listing.nr && insns[i].offset >= listing.starts[block + 1])
			block++;
		used |= needs;
		if (needs & ~implied(owner[block].needs) || !every_host_has(insns[i].text))
			fail_msg("%s: %s", owner[block].name, insns[i].text);
	}
	assert_int_equal(used, look_at_host()); /* else the table above does not know them */
}

static int setup_test(void **state)
{
	seed = 1;
	return emitter_create(&emitter, 1 << 20, false) ? 0 : -1;
}

static int teardown_test(void **state)
{
	emitter_destroy(&emitter);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			code_has_no_instruction_that_its_recipe_does_not_need, setup_test,
			teardown_test),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
