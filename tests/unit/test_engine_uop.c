/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * uop.def against the bodies: each micro-operation is run alone, again and again. What its row does
 * not name must not matter and must not change; what its row does name must. The bodies are linked
 * with fakes of whatever they call.
 */
#include "engine/emu/code/cache.h"
#include "engine/emu/private.h"
#include "unit.h"

#include "../fakes/random.h"

#define TRIALS 200

static struct power_engine e;
static struct cpu cpu;
static struct code_page page;
/* A block: the micro-operation under test, then links and trailer, or its continuation. */
static union {
	struct block block;
	uint8_t room[sizeof(struct block) + 4 * sizeof(struct uop)];
} code;
#define TRIED (&code.block.uops[0])

static uint64_t seed;

static uint64_t random64(void)
{
	return splitmix64(&seed);
}

/* Special values are more likely than random ones. */
static uint64_t some_value(void)
{
	switch (random64() % 8) {
	case 0:
		return 0;
	case 1:
		return ~0ull;
	case 2:
		return random64() % 128;
	case 3:
		return 1ull << random64() % 64;
	case 4:
		return (uint64_t)(int64_t)(int32_t)random64();
	default:
		return random64();
	}
}

/* ---- the fakes: what they are told is part of the outcome ---- */

static struct outcome {
	uint64_t told[4];
	bool went_on; /* to the next micro-operation */
	bool stopped; /* at this one */
	unsigned loads, stores, calls;
} outcome;
static bool refuse; /* accesses fault, semantics raise */

static int tell(unsigned *calls, uint64_t a, uint64_t b, uint64_t c)
{
	++*calls;
	outcome.told[0] = a;
	outcome.told[1] = b;
	outcome.told[2] = c;
	return refuse;
}

#define ACCESSORS(bits)                                                    \
	bool cpu_load##bits(struct cpu *c, uint64_t ea, uint64_t *v)       \
	{                                                                  \
		*v = (ea * 0x9e3779b97f4a7c15ull) >> (64 - (bits));        \
		return !tell(&outcome.loads, bits, ea, 0);                 \
	}                                                                  \
	bool cpu_store##bits(struct cpu *c, uint64_t ea, uint64_t v)       \
	{                                                                  \
		return !tell(&outcome.stores, bits, ea, v << (64 - bits)); \
	}
ACCESSORS(8)
ACCESSORS(16)
ACCESSORS(32)
ACCESSORS(64)

int cpu_raise(struct cpu *c, unsigned vector, uint64_t srr1)
{
	outcome.told[3] = vector;
	return EXCEPTION;
}

bool cpu_warn_illegal(struct cpu *c, uint32_t insn, uint64_t ea)
{
	outcome.told[0] = insn;
	outcome.told[1] = ea;
	return true;
}

int spr_read(struct cpu *c, unsigned spr, unsigned index, uint64_t *v)
{
	*v ^= spr; /* what the target has is kept if there is no such register */
	return tell(&outcome.calls, spr, index, 0);
}

int spr_write(struct cpu *c, unsigned spr, unsigned index, uint64_t v)
{
	return tell(&outcome.calls, spr, index, v);
}

static int some_semantics(struct cpu *c, uint32_t insn)
{
	return tell(&outcome.calls, insn, 0, 0);
}

static int other_semantics(struct cpu *c, uint32_t insn)
{
	return tell(&outcome.calls, insn, 1, 0);
}

static const struct uop *go_on(struct cpu *c, const struct uop *u)
{
	outcome.went_on = true;
	return NULL;
}

/* ---- places of struct cpu, and what a row says of them ---- */

struct place {
	const char *name;
	unsigned offset, size, reads, writes; /* effects */
};

#define PLACE(member, reads, writes)                                                     \
	{                                                                                \
#member, offsetof(struct cpu, member), sizeof(cpu.member), reads, writes \
	}
#define CR_FIELD(n)                                                                        \
	{                                                                                  \
		"cr" #n, offsetof(struct cpu, cr) + (n), 1, 0, (n) ? 0 : EFFECT_WRITES_CR0 \
	}
/* An optional write may leave the old value, so it also counts as a read. */
static const struct place places[] = {
	PLACE(gpr[0], 0, 0),
	PLACE(gpr[1], 0, 0),
	PLACE(gpr[2], 0, 0),
	PLACE(gpr[3], 0, 0),
	PLACE(gpr[31], 0, 0),
	PLACE(zero, 0, 0),
	PLACE(scratch[0], 0, 0),
	PLACE(scratch[1], 0, 0),
	PLACE(scratch[3], EFFECT_ANY, EFFECT_LOADS | EFFECT_ANY),
	PLACE(lr, 0, 0),
	PLACE(ctr, EFFECT_READS_CTR, EFFECT_WRITES_CTR),
	PLACE(tar, 0, 0),
	CR_FIELD(0),
	CR_FIELD(1),
	CR_FIELD(2),
	CR_FIELD(7),
	PLACE(so, EFFECT_READS_SO, 0),
	PLACE(ov, 0, 0),
	PLACE(ca, EFFECT_READS_CA, EFFECT_WRITES_CA),
	PLACE(ov32, 0, 0),
	PLACE(ca32, EFFECT_READS_CA, EFFECT_WRITES_CA),
	PLACE(xer_other, 0, 0),
	PLACE(ppr, EFFECT_READS_PPR, EFFECT_WRITES_PPR),
	PLACE(page_ea, EFFECT_READS_PAGE | EFFECT_ENDS, EFFECT_ENDS),
	PLACE(nip, EFFECT_ENDS, EFFECT_ENDS),
	PLACE(budget, EFFECT_ENDS | EFFECT_LEAVES, EFFECT_ENDS | EFFECT_LEAVES),
	PLACE(run_limit, EFFECT_LEAVES, EFFECT_LEAVES),
	PLACE(exit, EFFECT_LEAVES, EFFECT_LEAVES),
	PLACE(srr0, 0, 0),
	PLACE(dar, 0, 0),
	PLACE(fpscr, 0, 0),
};

/* d, a and b: gpr[1] to gpr[3], or cr1 and cr2. */
static unsigned place_of(enum uop_operand role, unsigned n)
{
	if (role == OPERAND_R_CR || role == OPERAND_W_CR)
		return offsetof(struct cpu, cr) + 1 + n;
	return offsetof(struct cpu, gpr[1]) + 8 * n;
}

static bool is_place(const struct place *place, enum uop_operand role, unsigned n)
{
	return role != OPERAND_NONE && role != OPERAND_NUMBER && place->offset == place_of(role, n);
}

static bool names_for_reading(const struct uop_info *row, const struct place *place)
{
	static const bool reads[OPERAND_NUMBER + 1] = {
		[OPERAND_R] = true, [OPERAND_RW] = true, [OPERAND_R_CR] = true
	};

	return (reads[row->d] && is_place(place, row->d, 0)) ||
	       (reads[row->a] && is_place(place, row->a, 1)) ||
	       (reads[row->b] && is_place(place, row->b, 2)) ||
	       (row->imm == IMM_CR_BIT && place->offset == offsetof(struct cpu, cr[7]));
}

static bool names_for_writing(const struct uop_info *row, const struct place *place)
{
	bool writes = row->d == OPERAND_W || row->d == OPERAND_RW || row->d == OPERAND_W_CR;

	return writes && is_place(place, row->d, 0);
}

static bool row_reads(const struct uop_info *row, const struct place *place)
{
	return place->reads & row->effects || names_for_reading(row, place);
}

static bool row_writes(const struct uop_info *row, const struct place *place)
{
	return place->writes & row->effects || names_for_writing(row, place);
}

/* ---- a trial ---- */

static uint64_t some_imm(enum uop_imm role)
{
	uint64_t bit = 8u >> random64() % 4, target = random64() % PAGE_BYTES & ~3ull;

	switch (role) {
	case IMM_CR_BIT:
		return offsetof(struct cpu, cr[7]) << 8 | bit;
	case IMM_TARGET:
		return target;
	case IMM_VALUE_TARGET:
		return some_value() << 16 | target;
	case IMM_BIT_TARGET:
		return bit << 16 | target;
	case IMM_SEM:
		return (uint64_t)(uintptr_t)(random64() & 1 ? some_semantics : other_semantics);
	default:
		return some_value();
	}
}

/* An immediate may be a count, a CR bit, BO or half an instruction. Unused fields are random. */
static uint16_t some_operand(enum uop_operand role, unsigned n)
{
	if (role == OPERAND_NUMBER)
		return (uint16_t)(random64() & 1 ? 8u >> random64() % 4 : random64() % 32);
	return role == OPERAND_NONE ? 0 : (uint16_t)place_of(role, n);
}

static void set_up_trial(enum uop_kind kind)
{
	const struct uop_info *row = &uop_info[kind];

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		uint64_t v = places[i].size == 1 ? random64() % 16 : some_value();

		memcpy((char *)&cpu + places[i].offset, &v, places[i].size);
	}
	cpu.so = random64() & 1;
	cpu.ca = random64() & 1;
	cpu.ca32 = random64() & 1;
	cpu.zero = 0;
	cpu.page_ea = EPN(random64());
	cpu.budget = (int64_t)(random64() % 100) - 50;
	cpu.run_limit = 1000;
	cpu.msr = MSR_SF | MSR_FP | MSR_VEC | MSR_VSX | (random64() & 1 ? MSR_PR : 0);
	cpu.mode = random64() & 1 ? CODE_LE : 0;
	cpu.stop_uop = NULL;
	cpu.patience_ends = cpu.insns + random64() % 1100;
	*TRIED = (struct uop){ .fn = uop_body[kind],
			       .kind = (uint8_t)kind,
			       .imm = row->imm == IMM_NONE ? 0 : some_imm(row->imm),
			       .d = some_operand(row->d, 0),
			       .a = some_operand(row->a, 1),
			       .b = some_operand(row->b, 2) };
}

static void try(void)
{
	const struct uop *next;

	memset(&outcome, 0, sizeof(outcome));
	next = TRIED->fn(&cpu, TRIED);
	/* Without tail calls a body returns the next micro-operation. */
	if (next == TRIED + 1)
		next = next->fn(&cpu, next);
	assert_null(next);
	outcome.stopped = cpu.stop_uop == TRIED;
	cpu.stop_uop = NULL;
}

/* The vCPU without its caches. */
struct state {
	char bytes[offsetof(struct cpu, arrays)];
};

static void save(struct state *state)
{
	memcpy(state, &cpu, sizeof(*state));
}

static void restore(const struct state *state)
{
	memcpy(&cpu, state, sizeof(*state));
}

/* Does the vCPU agree with @state in this place? */
static bool has(const struct state *state, const struct place *place)
{
	return !memcmp((const char *)&cpu + place->offset, state->bytes + place->offset,
		       place->size);
}

/* The current trial: the vCPU before and after, and what the body reported. */
static struct state before, after;
static struct outcome expected;

static void change(const struct place *place)
{
	uint8_t *at = (uint8_t *)&cpu + place->offset;

	for (unsigned i = 0; i < place->size; i++)
		at[i] ^= (uint8_t)(place->size == 1 ? 1 + random64() % 15 : random64());
	/* Keep counters small, and the address page-aligned. */
	cpu.budget = (int16_t)cpu.budget;
	cpu.run_limit = (int16_t)cpu.run_limit;
	cpu.page_ea = EPN(cpu.page_ea);
}

/*
 * Does another value in this place change the result? A place that is not written keeps its value.
 */
static bool place_matters(const struct uop_info *row, const struct place *place)
{
	struct state changed;

	restore(&before);
	change(place);
	save(&changed);
	try();
	if (memcmp(&outcome, &expected, sizeof(outcome)))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		bool keeps = &places[i] == place && !row_writes(row, place);

		if (!has(keeps ? &changed : &after, &places[i]))
			return true;
	}
	return false;
}

static uint16_t other_operand(enum uop_operand role, unsigned n)
{
	return role == OPERAND_NUMBER ? some_operand(role, n) : offsetof(struct cpu, gpr[31]);
}

static bool slot_matters(const struct uop_info *row, unsigned slot)
{
	const struct uop original = *TRIED;
	bool matters;

	if (slot == 0)
		TRIED->d = other_operand(row->d, 0);
	else if (slot == 1)
		TRIED->a = other_operand(row->a, 1);
	else if (slot == 2)
		TRIED->b = other_operand(row->b, 2);
	else
		TRIED->imm = some_imm(row->imm);
	restore(&before);
	try();
	matters = memcmp(&outcome, &expected, sizeof(outcome));
	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		matters |= !has(&after, &places[i]);
	*TRIED = original;
	return matters;
}

/* Observations over all trials of one kind. */
struct seen {
	bool matters[ARRAY_SIZE(places)], written[ARRAY_SIZE(places)];
	bool slot[4];
	bool went_on, ended, stopped, loads, stores, calls;
	const char *changed_and_stopped; /* a place */
};

static void look(struct seen *seen)
{
	seen->went_on |= outcome.went_on;
	seen->ended |= !outcome.went_on && !outcome.stopped;
	seen->stopped |= outcome.stopped;
	seen->loads |= outcome.loads;
	seen->stores |= outcome.stores;
	seen->calls |= outcome.calls;
	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		if (outcome.stopped && !has(&before, &places[i]) &&
		    places[i].offset != offsetof(struct cpu, scratch[3]))
			seen->changed_and_stopped = places[i].name;
}

static void make_trial(enum uop_kind kind, struct seen *seen)
{
	const struct uop_info *row = &uop_info[kind];

	set_up_trial(kind);
	save(&before);
	refuse = true;
	try();
	look(seen);
	restore(&before);
	refuse = false;
	try();
	look(seen);
	save(&after);
	expected = outcome;
	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		seen->written[i] |= !has(&before, &places[i]);
	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		seen->matters[i] |= place_matters(row, &places[i]);
	for (unsigned i = 0; i < 4; i++)
		seen->slot[i] |= slot_matters(row, i);
}

static void try_kind(enum uop_kind kind, struct seen *seen)
{
	seed = 0x123456789abcdefull + kind;
	*seen = (struct seen){ 0 };
	for (unsigned i = 0; i < TRIALS; i++)
		make_trial(kind, seen);
}

static int set_up(void **state)
{
	cpu.engine = &e;
	tlb_init(&cpu.arrays, &e.work);
	cpu.tlb = &cpu.arrays.data[TLB_REAL];
	cpu.fetch = &cpu.arrays.fetch[TLB_REAL];
	code.block.page = &page;
	code.block.start = 0x40;
	code.block.nr_insns = code.block.nr_words = 1;
	TRIED[1] = (struct uop){ .fn = go_on };
	TRIED[2] = (struct uop){ .kind = UOP_link };
	TRIED[3] = (struct uop){ .kind = UOP_trailer, .imm = (uint64_t)(uintptr_t)&code.block };
	return 0;
}

/* ---- tests ---- */

static const char *const slots[] = { "d", "a", "b", "imm" };

#define FOR_EACH_ROW(row, seen)                                                        \
	for (const struct uop_info *row = uop_info; row < uop_info + UOP_KINDS; row++) \
		if (!(row->effects & EFFECT_MARKS) && (try_kind(row - uop_info, seen), 1))

static void what_a_row_does_not_name_does_not_matter_and_does_not_change(void **state)
{
	struct seen seen;

	FOR_EACH_ROW(row, &seen)
	{
		const uint8_t roles[] = { row->d, row->a, row->b, row->imm };

		for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
			if (seen.matters[i] && !row_reads(row, &places[i]))
				fail_msg("%s reads %s", row->name, places[i].name);
			if (seen.written[i] && !row_writes(row, &places[i]))
				fail_msg("%s writes %s", row->name, places[i].name);
		}
		for (unsigned i = 0; i < 4; i++)
			if (seen.slot[i] && !roles[i])
				fail_msg("%s uses %s", row->name, slots[i]);
	}
}

/* Does any place in the list have this effect? */
static bool any(const bool *list, unsigned effect, bool write)
{
	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		if (list[i] && (write ? places[i].writes : places[i].reads) & effect)
			return true;
	return false;
}

static void what_a_row_names_matters_or_changes(void **state)
{
	static const unsigned reads[] = { EFFECT_READS_CA, EFFECT_READS_SO, EFFECT_READS_CTR,
					  EFFECT_READS_PPR, EFFECT_READS_PAGE },
			      writes[] = { EFFECT_WRITES_CA, EFFECT_WRITES_CR0, EFFECT_WRITES_CTR,
					   EFFECT_WRITES_PPR, EFFECT_LEAVES };
	struct seen seen;

	FOR_EACH_ROW(row, &seen)
	{
		const uint8_t roles[] = { row->d, row->a, row->b, row->imm };

		for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
			if (names_for_reading(row, &places[i]) && !seen.matters[i])
				fail_msg("%s does not read %s", row->name, places[i].name);
			if (names_for_writing(row, &places[i]) && !seen.written[i])
				fail_msg("%s does not write %s", row->name, places[i].name);
		}
		for (unsigned i = 0; i < 4; i++)
			if (!seen.slot[i] && roles[i])
				fail_msg("%s does not use %s", row->name, slots[i]);
		for (size_t i = 0; i < ARRAY_SIZE(reads); i++)
			if (row->effects & reads[i] && !any(seen.matters, reads[i], false))
				fail_msg("%s has not the effect 0x%x", row->name, reads[i]);
		for (size_t i = 0; i < ARRAY_SIZE(writes); i++)
			if (row->effects & writes[i] && !any(seen.written, writes[i], true))
				fail_msg("%s has not the effect 0x%x", row->name, writes[i]);
	}
}

static void assert_effect(const struct uop_info *row, unsigned effect, bool seen, const char *what)
{
	if (!(row->effects & effect) != !seen)
		fail_msg("%s %s", row->name, what);
}

static void a_row_says_whether_its_body_accesses_memory_calls_faults_and_ends(void **state)
{
	struct seen seen;

	FOR_EACH_ROW(row, &seen)
	{
		assert_effect(row, EFFECT_LOADS, seen.loads, "loads");
		assert_effect(row, EFFECT_STORES, seen.stores, "stores");
		assert_effect(row, EFFECT_ANY, seen.calls, "calls");
		assert_effect(row, EFFECT_FAULTS, seen.stopped, "faults");
		assert_int_not_equal(seen.went_on, !!(row->effects & EFFECT_ENDS));
		assert_true(!seen.ended || row->effects & EFFECT_ENDS);
	}
}

static void a_body_that_faults_has_changed_nothing(void **state)
{
	struct seen seen;

	FOR_EACH_ROW(row, &seen)
	if (seen.changed_and_stopped)
		fail_msg("%s changes %s and faults", row->name, seen.changed_and_stopped);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_row_does_not_name_does_not_matter_and_does_not_change),
		cmocka_unit_test(what_a_row_names_matters_or_changes),
		cmocka_unit_test(a_row_says_whether_its_body_accesses_memory_calls_faults_and_ends),
		cmocka_unit_test(a_body_that_faults_has_changed_nothing),
	};

	return cmocka_run_group_tests(tests, set_up, NULL);
}
