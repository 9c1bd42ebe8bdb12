/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Translated code against the interpreter's bodies: blocks of random micro-operations, operands and
 * values, the special ones more often than others, are executed by both from the same state, and
 * must leave the same one behind.
 */
#include <float.h>
#include <math.h>

#include "listing.h"

#include "engine_calls.h"
#include "engine_guest.h"
#include "../fakes/random.h"
#include "engine/emu/fp/fpu.h"
#include "engine/emu/insn/vector_operands.h"
#include "engine/emu/jit/host_emitter.h"
#include "engine/emu/jit/jit.h"
#include "engine/emu/run_loop.h"

#define RAM	  (3ull * PAGE_BYTES) /* all of it is compared */
#define DATA	  0ull
#define NR_UOPS	  24 /* of a block at most, without its ending */
#define TRIALS	  800 /* of each kind */
#define SEQUENCES 20000

static struct engine_guest guest;
static struct power_engine *e;
static struct cpu *cpu;
static struct emitter emitter;
static struct code_page page;
/* A block of another page, in an arena that holds nothing else */
static struct {
	struct code_page page;
	union {
		struct block block;
		uint8_t room[sizeof(struct block) + 5 * sizeof(struct uop)];
	};
} other;
static union {
	struct block block;
	uint8_t room[sizeof(struct block) + (NR_UOPS + 4) * sizeof(struct uop)];
} code;
static uint64_t seed;

static uint64_t random64(void)
{
	return splitmix64(&seed);
}

static uint64_t some_value(void)
{
	static const uint64_t special[] = { 0,
					    1,
					    ~0ull,
					    0x7fffffff,
					    0x80000000,
					    0xffffffff,
					    0x7fffffffffffffff,
					    0x8000000000000000,
					    0xffffffff80000000,
					    0x100000000,
					    31,
					    32,
					    63,
					    64 };

	switch (random64() % 8) {
	case 0:
	case 1:
		return special[random64() % ARRAY_SIZE(special)];
	case 2:
		return random64() % 128;
	case 3:
		return 1ull << random64() % 64;
	case 4:
		return (uint64_t)(int64_t)(int32_t)random64();
	case 5:
		return DATA + random64() % (2 * PAGE_BYTES);
	case 6: /* near the end of a page */
		return DATA + PAGE_BYTES - random64() % 16;
	default:
		return random64();
	}
}

/*
 * Doubles whose sums, products and quotients are often exact, rounded, and unless @usual, tiny or
 * too large
 */
static uint64_t some_double(bool usual)
{
	const uint64_t sign = random64() << 63, small = random64() % 8;
	uint64_t exponent = 1023 + random64() % 64 - 32;
	double v;

	switch (usual ? 7 : random64() % 8) {
	case 0:
		return some_value();
	case 1:
		v = (double)(int64_t)(random64() % 2048 - 1024);
		memcpy(&exponent, &v, sizeof(v));
		return exponent;
	case 2:
		exponent = random64() % 2048;
		break;
	case 3:
		exponent = random64() & 1 ? small : 2047 - small;
		break;
	default:
		break;
	}
	return sign | exponent << 52 | (random64() & 1 ? random64() >> 12 : small << 49);
}

/* Two such singles */
static uint64_t some_singles(bool usual)
{
	uint64_t both = 0;

	for (unsigned i = 0; i < 2; i++) {
		const uint64_t small = random64() % 8, sign = random64() & 1;
		uint64_t exponent = 127 + random64() % 32 - 16;

		if (!usual && random64() & 1)
			exponent = random64() & 1 ? small : 255 - small;
		both = both << 32 | sign << 31 | exponent << 23 |
		       (random64() & 1 ? random64() >> 41 : small << 20);
	}
	return both;
}

/* ---- semantics that are called ---- */

static int changes_registers(struct cpu *c, uint32_t insn)
{
	for (unsigned i = 0; i < 32; i++)
		c->gpr[i] = c->gpr[(i + 7) % 32] * 3 + insn;
	for (unsigned i = 0; i < 64; i++)
		c->vsr[i].q = c->vsr[(i + 7) % 64].q * 3 + insn;
	c->so ^= 1;
	return 0;
}

static int leaves_the_run(struct cpu *c, uint32_t insn)
{
	c->gpr[3] ^= insn;
	cpu_leave(c);
	return 0;
}

static int raises(struct cpu *c, uint32_t insn)
{
	return insn % 4 ? 0 : cpu_raise(c, VECTOR_PROGRAM, insn);
}

static int changes_facilities(struct cpu *c, uint32_t insn)
{
	c->msr ^= insn & 1 ? MSR_PR : MSR_FP | MSR_VEC | MSR_VSX;
	return 0;
}

/* ---- calls that have code of their own ---- */

/* Makes the call with the fields of the instruction at random. */
static void make_called(struct uop *u, const struct called *c)
{
	make_call(u, c, (uint32_t)random64());
}

/* One that has code of its own */
static const struct called *some_called(void)
{
	const struct called *c;
	struct uop u;

	do {
		c = &called[random64() % ARRAY_SIZE(called)];
		make_called(&u, c);
	} while (!emitter_executes(&u, 0));
	return c;
}

/* ---- blocks ---- */

static uint16_t some_place(enum uop_operand role)
{
	static const size_t others[] = { offsetof(struct cpu, lr), offsetof(struct cpu, ctr),
					 offsetof(struct cpu, srr0),
					 offsetof(struct cpu, scratch[0]),
					 offsetof(struct cpu, scratch[1]) };

	switch (role) {
	case OPERAND_R_CR:
	case OPERAND_W_CR:
		return (uint16_t)(offsetof(struct cpu, cr) + random64() % 8);
	case OPERAND_NUMBER:
		return (uint16_t)(random64() & 1 ? 8u >> random64() % 4 : random64() % 32);
	case OPERAND_NONE:
		return 0;
	default:
		if (role == OPERAND_R && !(random64() % 16))
			return offsetof(struct cpu, zero);
		if (!(random64() % 8))
			return (uint16_t)others[random64() % ARRAY_SIZE(others)];
		/* Few, so that operands are often the same. */
		return (uint16_t)(offsetof(struct cpu, gpr) +
				  8 * (random64() & 1 ? random64() % 6 : random64() % 32));
	}
}

static uint64_t some_imm(enum uop_kind kind)
{
	static sem_fn *const semantics[] = { changes_registers, leaves_the_run, raises,
					     changes_facilities };
	const uint64_t bit = 8u >> random64() % 4, target = random64() % PAGE_BYTES & ~3ull;

	switch (uop_info[kind].imm) {
	case IMM_NONE:
		return 0;
	case IMM_CR_BIT:
		return (offsetof(struct cpu, cr) + random64() % 8) << 8 | bit;
	case IMM_TARGET:
		return target;
	case IMM_VALUE_TARGET:
		return (uint64_t)(int64_t)(int16_t)some_value() << 16 | target;
	case IMM_BIT_TARGET:
		return bit << 16 | target;
	case IMM_SEM:
		return (uint64_t)(uintptr_t)semantics[random64() % ARRAY_SIZE(semantics)];
	default:
		break;
	}
	if (kind == UOP_mfspr || kind == UOP_mtspr)
		return 1; /* XER */
	/* A comparison's is 16 bits wide. */
	if (kind == UOP_cmpdi || kind == UOP_cmpwi)
		return (uint64_t)(int64_t)(int16_t)some_value();
	if (kind == UOP_cmpldi || kind == UOP_cmplwi)
		return (uint16_t)some_value();
	return some_value();
}

static unsigned number_limit(enum uop_kind kind)
{
	switch (kind) {
	case UOP_sldi:
	case UOP_srdi:
	case UOP_rotd_and:
	case UOP_rotd_insert:
	case UOP_sradi:
		return 64;
	case UOP_rotw_and:
	case UOP_rotw_insert:
	case UOP_srawi:
		return 32;
	default:
		return 0;
	}
}

/* A mask that makes a rotation a shift or an extension */
static uint64_t some_mask(unsigned by)
{
	const uint64_t masks[] = { UINT8_MAX, UINT16_MAX, UINT32_MAX, (1ull << by) - 1,
				   UINT32_MAX << by % 32 };

	return masks[random64() % ARRAY_SIZE(masks)];
}

static void make_uop(struct uop *u, enum uop_kind kind, unsigned index)
{
	const struct uop_info *row = &uop_info[kind];

	*u = (struct uop){ .fn = uop_body[kind],
			   .kind = (uint8_t)kind,
			   .index = (uint8_t)index,
			   .imm = some_imm(kind),
			   .d = some_place(row->d),
			   .a = some_place(row->a),
			   .b = some_place(row->b) };
	if (number_limit(kind))
		u->b = (uint16_t)(random64() % 4 ? random64() % number_limit(kind) : 0);
	if ((kind == UOP_rotw_and || kind == UOP_rotd_and) && random64() & 1)
		u->imm = some_mask(u->b);
	if (row->imm == IMM_SEM && random64() % 8)
		make_called(u, some_called());
	/* The bit that a branch tests */
	if (row->effects & EFFECT_ENDS && row->b == OPERAND_NUMBER)
		u->b = (uint16_t)(8u >> random64() % 4);
}

static bool ends(enum uop_kind kind)
{
	return uop_info[kind].effects & EFFECT_ENDS;
}

static enum uop_kind some_kind(bool ending)
{
	enum uop_kind kind;

	do
		kind = (enum uop_kind)(random64() % UOP_KINDS);
	while (uop_info[kind].effects & EFFECT_MARKS || ends(kind) != ending);
	return kind;
}

/* @n micro-operations, the first (or the ending) of kind @kind */
static void make_block(enum uop_kind kind, unsigned n)
{
	struct block *block = &code.block;
	struct uop *u = block->uops;

	memset(&code, 0, sizeof(code));
	block->page = &page;
	block->start = 0x100;
	block->nr_insns = block->nr_words = (uint8_t)(n + 1);
	for (unsigned i = 0; i < n; i++)
		make_uop(u++, i || ends(kind) ? some_kind(false) : kind, i);
	make_uop(u, ends(kind) ? kind : some_kind(true), n);
	if (u->kind == UOP_fall_in)
		u->imm = block_end(block);
	u++;
	make_uop(u++, UOP_link, 0);
	make_uop(u++, UOP_link, 0);
	make_uop(u, UOP_trailer, 0);
	u[-2].imm = u[-1].imm = 0;
	u->imm = (uint64_t)(uintptr_t)block;
}

/*
 * @n calls, one behind the other, so that vector-scalar registers stay in the host's. Most have
 * code of their own and access nothing: an access ends such code mostly. The others change all
 * registers.
 */
static void make_block_of_calls(unsigned n)
{
	make_block(UOP_call, n);
	for (unsigned i = 0; i < n; i++) {
		struct uop *u = &code.block.uops[i];
		struct emitter_access access;

		do
			make_called(u, some_called());
		while (emitter_access(cpu, u, &access) && random64() % 16);
		if (!(random64() % 8))
			u->imm = (uintptr_t)changes_registers;
	}
}

/* ---- what is compared: the vCPU without its caches, and memory ---- */

struct state {
	char cpu[offsetof(struct cpu, arrays)];
	uint8_t memory[RAM];
};

static void save(struct state *state)
{
	cpu->scratch[3] = 0; /* for the interpreter's own use */
	memcpy(state->cpu, cpu, sizeof(state->cpu));
	memcpy(state->memory, guest.memory.base + DATA, sizeof(state->memory));
}

static void restore(const struct state *state)
{
	memcpy(cpu, state->cpu, sizeof(state->cpu));
	memcpy(guest.memory.base + DATA, state->memory, sizeof(state->memory));
}

/*
 * Often what the block's first instruction accesses, by base and index, is in memory and aligned,
 * and the vCPU has a reservation, sometimes of these bytes.
 */
static void set_up_access(void)
{
	const struct uop *u = &code.block.uops[0];
	const uint32_t insn = (uint32_t)u->d | (uint32_t)u->a << 16;
	const unsigned ra = F_RA(insn), rb = F_RB(insn);
	uint64_t ea = DATA + random64() % (2 * PAGE_BYTES) / 16 * 16, there;

	if (uop_info[u->kind].imm == IMM_SEM && random64() & 1) {
		if (ra)
			cpu->gpr[ra] = ra == rb ? ea / 2 : 0;
		if (ra != rb || !ra)
			cpu->gpr[rb] = ea;
	}
	memcpy(&there, guest.memory.base + ea, sizeof(there));
	cpu->reserved = random64() % 4;
	cpu->reserve_ra = random64() % 8 ? ea : ea + 8;
	cpu->reserve_size = (uint8_t)(1u << random64() % 4);
	cpu->reserve_value = random64() % 4 ? there : random64();
	if (cpu->mode & CODE_LE)
		cpu->reserve_value &= ~0ull >> (64 - 8 * cpu->reserve_size);
	else
		cpu->reserve_value = __builtin_bswap64((uint64_t)cpu->reserve_value) >>
				     (64 - 8 * cpu->reserve_size);
	e->threads = random64() & 1;
}

#define SCALAR(n) VSR_D(cpu->vsr[n], 0)

/* -(x * y), rounded */
static uint64_t minus_product(uint64_t x, uint64_t y)
{
	double a, b;
	uint64_t bits;

	memcpy(&a, &x, sizeof(a));
	memcpy(&b, &y, sizeof(b));
	a = -(a * b);
	memcpy(&bits, &a, sizeof(bits));
	return bits;
}

/*
 * Operands by whose values random ones do not come: those of a multiply-add cancel each other, or
 * overflow on the way; a sum is almost a tie between singles; a number is almost the least normal
 * single; a sum is a tie just below the largest double.
 */
static void set_up_doubles(void)
{
	const struct uop *u = &code.block.uops[0];
	const uint32_t insn = (uint32_t)u->d | (uint32_t)u->a << 16;
	const bool vsx = u->kind == UOP_call_vsx;
	const unsigned a = vsx ? F_XA(insn) : F_RA(insn), b = vsx ? F_XB(insn) : F_RB(insn);
	const unsigned c = vsx ? F_XT(insn) : F_RC(insn);
	const uint64_t sign = random64() << 63, exponent = 0x3ff + random64() % 64;

	switch (random64() % 16) {
	case 0:
		SCALAR(b) = minus_product(SCALAR(a), SCALAR(c));
		break;
	case 1:
		SCALAR(c) = minus_product(SCALAR(a), SCALAR(b));
		break;
	case 2:
		SCALAR(a) = sign | exponent << 52 | (random64() % (1 << 23)) << 29 | 1u << 28;
		SCALAR(b) = random64() << 63 | (exponent - 60) << 52 | random64() >> 12;
		SCALAR(c) = 0x3ffull << 52;
		break;
	case 3:
		SCALAR(b) = sign | 0x380fffffffffffffull;
		SCALAR(a) = random64() & 1 ? 0 : 0x3ffull << 52;
		break;
	case 4:
		SCALAR(a) = sign | 0x7e7ull << 52 | random64() % (1ull << 40);
		SCALAR(vsx ? b : c) = 0x417ull << 52;
		SCALAR(vsx ? c : b) = (sign ^ 1ull << 63) | 0x7fefffffffffffffull;
		break;
	case 5: /* less 1.5 units of the last place */
		SCALAR(a) = random64() << 63 | 0x7ca8ull << 48;
		SCALAR(b) = sign | 0x7fefffffffffffffull;
		break;
	case 6: /* what the product loses is half a unit of the addend, which it cancels */
		SCALAR(a) = random64() << 63 | 0x5aa0000002000000ull; /* (2^27 + 1) 2^400 */
		SCALAR(c) = 0x653000000c000000ull; /* (2^26 + 3) 2^570 */
		SCALAR(b) = sign | 0x7fefffffffffffffull;
		break;
	default:
		break;
	}
}

/* ---- vectors of numbers ---- */

static double element(unsigned n, unsigned i, bool singles)
{
	double d;
	float s;

	memcpy(&s, &VSR_W(cpu->vsr[n], i), sizeof(s));
	memcpy(&d, &VSR_D(cpu->vsr[n], i & 1), sizeof(d));
	return singles ? (double)s : d;
}

static void set_element(unsigned n, unsigned i, bool singles, double v)
{
	const float s = (float)v;

	if (singles)
		memcpy(&VSR_W(cpu->vsr[n], i), &s, sizeof(s));
	else
		memcpy(&VSR_D(cpu->vsr[n], i & 1), &v, sizeof(v));
}

/* One element of the operands of a vector instruction is special, among usual ones. */
static void set_up_element(bool singles)
{
	const struct uop *u = &code.block.uops[0];
	const uint32_t insn = (uint32_t)u->d | (uint32_t)u->a << 16;
	const bool vmx = u->kind == UOP_call_vec, swap = random64() & 1;
	const unsigned a = vmx ? 32 + F_RA(insn) : F_XA(insn), i = random64() % 4;
	const unsigned second = vmx ? 32 + F_RB(insn) : F_XB(insn);
	const unsigned third = vmx ? 32 + F_RC(insn) : F_XT(insn);
	const unsigned b = swap ? third : second, t = swap ? second : third;
	const double sign = random64() & 1 ? 1 : -1;
	const double least = singles ? FLT_MIN : DBL_MIN, most = singles ? FLT_MAX : DBL_MAX;
	const double special[] = { 0, -0.0, INFINITY, -INFINITY, NAN, least, least / 2, most };

	switch (random64() % 8) {
	case 0: /* a product and what cancels it, but for its error */
		set_element(b, i, singles, -element(a, i, singles) * element(t, i, singles));
		break;
	case 1: /* almost the least normal number */
		set_element(a, i, singles,
			    2 * least - least * (singles ? FLT_EPSILON : DBL_EPSILON));
		set_element(b, i, singles, sign / 2);
		set_element(t, i, singles, 0);
		break;
	case 2: /* too much on the way */
		set_element(a, i, singles, sign * most / (1 << 20));
		set_element(b, i, singles, 1 << (19 + random64() % 3));
		set_element(t, i, singles, -sign * most);
		break;
	case 3: /* products that are tiny or not accurate */
		set_element(a, i, singles, sign * least * (1u << random64() % 32));
		break;
	case 4:
		set_element(random64() & 1 ? a : b, i, singles, special[random64() % 8]);
		set_element(random64() & 1 ? a : t, i, singles, special[random64() % 8]);
		break;
	case 5: /* normal numbers whose sum is tiny */
		set_element(a, i, singles, sign * least * 1.5);
		set_element(b, i, singles, -sign * least);
		break;
	default:
		break;
	}
}

static void set_up_numbers(void)
{
	const bool usual = random64() % 4, singles = random64() & 1;

	for (unsigned i = 0; i < 64; i++)
		for (unsigned d = 0; d < 2; d++)
			cpu->vsr[i].d[d] = singles ? some_singles(usual) : some_double(usual);
	set_up_element(singles);
	/* A signalling NaN is one of few. */
	if (!(random64() % 16))
		cpu->vsr[random64() % 64].d[random64() & 1] = 0x7fa000007fa00000;
}

static void set_up_state(void)
{
	for (unsigned i = 0; i < 32; i++)
		cpu->gpr[i] = some_value();
	for (unsigned i = 0; i < ARRAY_SIZE(cpu->scratch); i++)
		cpu->scratch[i] = some_value();
	for (unsigned i = 0; i < 8; i++)
		cpu->cr[i] = random64() % 16;
	cpu->lr = some_value();
	cpu->ctr = random64() & 1 ? random64() % 3 | (random64() & 1) << 32 : some_value();
	cpu->so = random64() & 1;
	cpu->ca = random64() & 1;
	cpu->ca32 = random64() & 1;
	cpu->page_ea = EPN(some_value());
	cpu->budget = random64() % 4 ? 1000 : (int64_t)(random64() % 16);
	cpu->run_limit = 2000;
	cpu->mode = (random64() & 1 ? CODE_LE : 0) | (random64() % 8 ? 0 : CODE_32);
	cpu->msr = (cpu->mode & CODE_32 ? 0 : MSR_SF) | MSR_ME |
		   (cpu->mode & CODE_LE ? MSR_LE : 0) | (random64() % 4 ? 0 : MSR_PR) |
		   ((random64() % 4 ? ~0ull : random64()) & (MSR_FP | MSR_VEC | MSR_VSX)) |
		   (random64() & (MSR_FE0 | MSR_FE1));
	page.mode = other.page.mode = cpu->mode;
	for (unsigned i = 0; i < 128; i++)
		cpu->vsr[i / 2].d[i & 1] = random64() & 1 ? some_double(false) : some_value();
	if (random64() & 1)
		set_up_numbers();
	else
		set_up_doubles();
	cpu->vscr = random64() & 1 ? VSCR_NJ : 0;
	cpu->fpscr = 0;
	fpscr_write(cpu, random64() % 4 ? random64() & ~(FPSCR_RN | FPSCR_ENABLES) : random64(),
		    random64() & 1 ? FPSCR_XX | FPSCR_FX | FPSCR_FPRF | FPSCR_FI : ~0ull);
	cpu->stop_uop = NULL;
	cpu->exception = 0;
	cpu->nip = random64();
	cpu->drops_seen = random64() % 2;
	e->drops = random64() % 2;
	e->work.left = WORK_PER_RUN;
	for (unsigned i = 0; i < RAM; i++)
		guest.memory.base[DATA + i] = (uint8_t)random64();
	set_up_access();
}

static void execute(void)
{
	const struct uop *u = code.block.uops;

	for (u = u->fn(cpu, u); u; u = u->fn(cpu, u))
		;
}

static struct state before, expected, got;

static void describe(const struct block *block)
{
	for (const struct uop *u = block->uops; u->kind != UOP_trailer; u++)
		print_error("  %s d %u a %u b %u imm 0x%llx\n", uop_info[u->kind].name, u->d, u->a,
			    u->b, (unsigned long long)u->imm);
}

static bool same(void)
{
	if (!memcmp(&expected, &got, sizeof(got)))
		return true;
	for (unsigned i = 0; i < sizeof(got.cpu); i++)
		if (expected.cpu[i] != got.cpu[i])
			print_error("at %u of the vCPU: %02x, not %02x (before: %02x)\n", i,
				    (uint8_t)got.cpu[i], (uint8_t)expected.cpu[i],
				    (uint8_t)before.cpu[i]);
	if (memcmp(expected.memory, got.memory, sizeof(got.memory)))
		print_error("memory differs\n");
	describe(&code.block);
	return false;
}

/* Executes the block by both. */
static bool agree(void)
{
	set_up_state();
	save(&before);
	execute();
	save(&expected);
	emitter_fill(&emitter, emitter.first, emitter.memory.size);
	code.block.host = emitter_translate(&emitter, code.block.uops);
	assert_non_null(code.block.host);
	code.block.uops[0].fn = emitter_enter(&emitter);
	restore(&before);
	execute();
	save(&got);
	return same();
}

static int setup_test(void **state)
{
	seed = 0x9e3779b97f4a7c15ull;
	if (!guest_start(&guest, RAM, 1))
		return -1;
	e = guest.e;
	cpu = e->cpus[0];
	return emitter_create(&emitter, 1 << 20, false) ? 0 : -1;
}

static int teardown_test(void **state)
{
	emitter_destroy(&emitter);
	e->threads = false;
	guest_end(&guest);
	return 0;
}

static void each_micro_operation_does_what_its_body_does(void **state)
{
	unsigned wrong = 0;

	for (unsigned kind = 0; kind < UOP_KINDS; kind++) {
		if (uop_info[kind].effects & EFFECT_MARKS)
			continue;
		for (unsigned i = 0; i < TRIALS; i++) {
			make_block(kind, ends(kind) ? 0 : 1);
			if (!agree()) {
				print_error("%s\n", uop_info[kind].name);
				wrong++;
				break;
			}
		}
	}
	assert_int_equal(wrong, 0);
}

/* The call, and a micro-operation behind it */
static bool call_agrees(const struct called *c)
{
	for (unsigned i = 0; i < TRIALS; i++) {
		make_block(UOP_call, 2);
		make_called(&code.block.uops[0], c);
		make_uop(&code.block.uops[1], UOP_mr, 1);
		if (!agree()) {
			print_error("%s %08x\n", c->name,
				    code.block.uops[0].d | code.block.uops[0].a << 16);
			return false;
		}
	}
	return true;
}

static const struct sem_recipe *recipe_of_call(const struct called *c)
{
	make_called(&code.block.uops[0], c);
	return recipe_of(&code.block.uops[0], 0);
}

static void each_call_with_code_of_its_own_does_what_its_function_does(void **state)
{
	unsigned wrong = 0, found = 0;

	for (unsigned c = 0; c < ARRAY_SIZE(called); c++) {
		if (!recipe_of_call(&called[c]))
			continue;
		found++;
		wrong += !call_agrees(&called[c]);
	}
	assert_int_not_equal(found, 0);
	assert_int_equal(wrong, 0);
}

/* The recipes that hosts execute which lack a feature of this one's */
static void what_lesser_hosts_execute_does_what_the_function_does(void **state)
{
	const unsigned host = look_at_host();
	unsigned wrong = 0;

	for (unsigned feature = 1; feature <= host; feature <<= 1) {
		for (unsigned c = 0; c < ARRAY_SIZE(called); c++) {
			const struct sem_recipe *full, *lesser;

			recipes_for(host);
			full = recipe_of_call(&called[c]);
			recipes_for(host & ~feature);
			lesser = recipe_of_call(&called[c]);
			if (lesser && lesser != full)
				wrong += !call_agrees(&called[c]);
		}
	}
	recipes_for(host);
	assert_int_equal(wrong, 0);
}

static void blocks_of_many_micro_operations_do_what_the_interpreter_does(void **state)
{
	for (unsigned i = 0; i < SEQUENCES; i++) {
		make_block(some_kind(false), 2 + random64() % (NR_UOPS - 2));
		if (!agree())
			fail_msg("block %u", i);
	}
}

static void blocks_of_many_calls_do_what_their_functions_do(void **state)
{
	for (unsigned i = 0; i < SEQUENCES; i++) {
		make_block_of_calls(2 + random64() % (NR_UOPS - 2));
		if (!agree())
			fail_msg("block %u", i);
	}
}

/* ---- the code, as a disassembler reads it ---- */

static struct listing listing;

static void list_all(void)
{
	for (unsigned kind = 0; kind < UOP_KINDS; kind++) {
		if (uop_info[kind].effects & EFFECT_MARKS)
			continue;
		make_block(kind, ends(kind) ? 0 : 1);
		list_block(&listing, &emitter, &code.block);
	}
	for (unsigned c = 0; c < ARRAY_SIZE(called); c++) {
		make_block(UOP_call, 1);
		make_called(&code.block.uops[0], &called[c]);
		if (emitter_executes(&code.block.uops[0], 0))
			list_block(&listing, &emitter, &code.block);
	}
}

static void a_disassembler_reads_the_code_of_each_recipe(void **state)
{
	static struct disassembled insns[LISTING_BYTES / 4];
	unsigned next = 0;
	int n;

	listing.used = listing.nr = 0;
	list_all();
	n = disassemble(&DISASSEMBLER_HOST, listing.bytes, listing.used, insns, ARRAY_SIZE(insns));
	if (n < 0)
		fail_msg("there is no objdump");
	for (int i = 0; i < n; i++) {
		if (strstr(insns[i].text, DISASSEMBLER_HOST.undefined))
			fail_msg("at %x, block %u: %s", insns[i].offset, next, insns[i].text);
		if (next < listing.nr && insns[i].offset == listing.starts[next])
			next++;
	}
	assert_int_equal(next, listing.nr);
}

#ifdef __x86_64__ /* where it has a recipe */
static void a_sync_is_a_full_fence_of_the_host(void **state)
{
	static struct disassembled insns[1 << 10];
	bool found = false;
	int n;

	listing.used = listing.nr = 0;
	make_block(UOP_call, 1);
	code.block.uops[0] = (struct uop){ .kind = UOP_call, .imm = (uintptr_t)sem_sync };
	list_block(&listing, &emitter, &code.block);
	n = disassemble(&DISASSEMBLER_HOST, listing.bytes, listing.used, insns, ARRAY_SIZE(insns));
	if (n < 0)
		fail_msg("there is no objdump");
	for (int i = 0; i < n; i++)
		found |= !strncmp(insns[i].text, "lock or", strlen("lock or"));
	assert_true(found);
}
#endif

/* Of a block of @n tests of MSR[PR] */
static size_t bytes_of_tests(unsigned n)
{
	make_block(UOP_leave, n);
	for (unsigned i = 0; i < n; i++)
		make_uop(&code.block.uops[i], UOP_priv, i);
	emitter_fill(&emitter, emitter.first, emitter.memory.size);
	assert_non_null(emitter_translate(&emitter, code.block.uops));
	return emitter.used - emitter.first + emitter.memory.size - emitter.limit;
}

static void a_bit_of_msr_is_tested_once_in_a_block(void **state)
{
	assert_true(bytes_of_tests(1) > bytes_of_tests(0));
	assert_int_equal(bytes_of_tests(8), bytes_of_tests(1));
}

/* ---- 32-bit mode ---- */

#define HIGH (1ull << 32)

/* A number that an address of 64 bits leads to, by an entry that the soft TLB has. */
static void enter_high(uint64_t number)
{
	uint8_t *host = guest.memory.base + PAGE_BYTES;

	cpu->tlb->read[TLB_INDEX(HIGH)] =
		(struct tlb_entry){ .tag = HIGH, .addend = (uintptr_t)host - HIGH };
	memcpy(host, &number, sizeof(number));
}

static void calls_access_addresses_of_32_bits_with_sf_off(void **state)
{
	const uint64_t low = 0x1111;

	make_block(UOP_call, 1);
	make_call(&code.block.uops[0],
		  &(struct called){ .value = 0x7c6020a8, .kind = UOP_call, .sem = sem_ldarx }, 0);
	set_up_state();
	cpu->mode = page.mode = CODE_LE | CODE_32;
	cpu->msr = MSR_ME | MSR_LE;
	cpu->gpr[4] = HIGH;
	memcpy(guest.memory.base, &low, sizeof(low));
	enter_high(0x2222);
	emitter_fill(&emitter, emitter.first, emitter.memory.size);
	code.block.host = emitter_translate(&emitter, code.block.uops);
	code.block.uops[0].fn = emitter_enter(&emitter);
	execute();
	assert_int_equal(cpu->gpr[3], low);
}

/* ---- from block to block ---- */

#define FROM 0x7000ull /* the page of the block that branches */
#define TO   0x9000ull /* where it goes */

static unsigned left;

/* The body of the block at TO, which is not entered by translated code. */
static const struct uop *leaves(struct cpu *c, const struct uop *u)
{
	left++;
	return uop_body[u->kind](c, u);
}

/* li r3,@value, then the end of the run */
static void make_other(unsigned offset, uint64_t value)
{
	struct uop *u = other.block.uops;

	memset(&other, 0, sizeof(other));
	other.block.page = &other.page;
	other.block.start = (uint16_t)offset;
	other.block.nr_insns = other.block.nr_words = 2;
	u[0] = (struct uop){ .kind = UOP_li, .d = offsetof(struct cpu, gpr[3]), .imm = value };
	u[1] = (struct uop){ .kind = UOP_leave, .index = 1, .imm = offset + 8 };
	u[2].kind = u[3].kind = UOP_link;
	u[4] = (struct uop){ .kind = UOP_trailer, .imm = (uintptr_t)&other.block };
	for (unsigned i = 0; i < 5; i++)
		u[i].fn = i ? uop_body[u[i].kind] : leaves;
	other.page.entry[offset / 4] = (uint32_t)((uint8_t *)u - (uint8_t *)&other);
}

static void enter_fetch(uint64_t tag)
{
	struct fetch_entry *entry = &cpu->fetch->entry[FETCH_INDEX(TO)];

	entry->tag = tag;
	entry->page = &other.page;
}

/* Executes an ending that goes to TO + @offset, by translated code. */
static void go(enum uop_kind kind, unsigned offset)
{
	make_block(kind, 0);
	set_up_state();
	code.block.uops[0].imm = kind == UOP_br ? 0 : TO + offset - FROM;
	code.block.uops[0].d = kind == UOP_br ? offsetof(struct cpu, lr) : 0;
	cpu->lr = TO + offset + 3;
	cpu->page_ea = FROM;
	cpu->budget = 1000;
	cpu->gpr[3] = 0;
	left = 0;
	emitter_fill(&emitter, emitter.first, emitter.memory.size);
	code.block.host = emitter_translate(&emitter, code.block.uops);
	code.block.uops[0].fn = emitter_enter(&emitter);
	other.block.host = NULL;
}

#ifdef __x86_64__ /* which has exits in two parts */
static size_t bytes_of(enum uop_kind kind)
{
	go(kind, 0x40);
	return emitter.used - emitter.first + emitter.memory.size - emitter.limit;
}

/* The end of the budget and an empty link need a few bytes each; three look-ups miss in one way. */
static void rare_ends_of_a_block_take_little_memory(void **state)
{
	assert_in_range(bytes_of(UOP_b_in), 1, 64);
	assert_in_range(bytes_of(UOP_b_out), 1, 144);
	assert_in_range(bytes_of(UOP_br), 1, 164);
}

static void what_is_rarely_executed_lies_apart_and_is_dropped_too(void **state)
{
	go(UOP_b_in, 0);
	assert_int_equal(emitter.used - emitter.first, 32);
	assert_in_range(emitter.memory.size - emitter.limit, 1, 32);
	emitter_drop(&emitter, code.block.host);
	assert_int_equal(emitter.used, emitter.first);
	assert_int_equal(emitter.limit, emitter.memory.size);
}
#endif

static void a_branch_out_of_the_page_stays_in_translated_code(void **state)
{
	static const enum uop_kind kinds[] = { UOP_b_out, UOP_br, UOP_fall_out };

	for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++) {
		make_other(0x40 * i, 77 + i);
		enter_fetch(TO);
		go(kinds[i], 0x40 * i);
		other.block.host = emitter_translate(&emitter, other.block.uops);
		execute();
		assert_int_equal(left, 0);
		assert_int_equal(cpu->gpr[3], 77 + i);
		assert_int_equal(cpu->nip, TO + 0x40 * i + 8);
		assert_int_equal(cpu->page_ea, TO);
	}
}

static void a_branch_out_of_the_page_enters_a_block_without_translated_code(void **state)
{
	make_other(0x40, 77);
	enter_fetch(TO);
	go(UOP_br, 0x40);
	execute();
	assert_int_equal(left, 1);
	assert_int_equal(cpu->gpr[3], 77);
}

static void a_branch_out_of_the_page_goes_nowhere_without_a_fetch_entry(void **state)
{
	static const enum uop_kind kinds[] = { UOP_b_out, UOP_br };

	for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++) {
		make_other(0x40, 77);
		enter_fetch(TO + PAGE_BYTES * FETCH_ENTRIES);
		go(kinds[i], 0x40);
		execute();
		assert_int_equal(cpu->nip, TO + 0x40);
		assert_int_equal(cpu->gpr[3], 0);
		enter_fetch(TO); /* but no block begins there */
		go(kinds[i], 0x80);
		execute();
		assert_int_equal(cpu->nip, TO + 0x80);
		assert_int_equal(cpu->gpr[3], 0);
	}
}

/* Changes the link of the block by @change, and looks at what that has changed of its code. */
static void assert_one_word_changes(void (*change)(unsigned link), unsigned link, size_t size)
{
	static uint8_t was[1 << 16];
	const uint8_t *code_bytes = code.block.host;
	size_t first = size, last = 0;

	assert_true(size <= sizeof(was));
	memcpy(was, code_bytes, size);
	change(link);
	for (size_t i = 0; i < size; i++) {
		if (was[i] == code_bytes[i])
			continue;
		first = i < first ? i : first;
		last = i;
	}
	assert_true(first <= last);
	assert_int_equal((uintptr_t)(code_bytes + first) / 4, (uintptr_t)(code_bytes + last) / 4);
}

static void link_to_other(unsigned link)
{
	emitter_link(&emitter, &code.block, link, &other.block);
}

static void unlink_again(unsigned link)
{
	emitter_unlink(&emitter, &code.block, link);
}

/* Another vCPU may be executing it: it sees the old word or the new one. */
static void a_link_changes_one_aligned_word_of_the_code(void **state)
{
	static const struct {
		enum uop_kind kind;
		bool has[2];
	} endings[] = { { UOP_b_in, { true, false } },	   { UOP_fall_in, { false, true } },
			{ UOP_bc_set_in, { true, true } }, { UOP_bc_nz_out, { false, true } },
			{ UOP_br_clear, { false, true } }, { UOP_cmpd_bc_set_in, { true, true } } };

	make_other(0x40, 77);
	for (unsigned i = 0; i < TRIALS; i++) {
		size_t size;

		emitter_fill(&emitter, emitter.first, emitter.memory.size);
		other.block.host = emitter_translate(&emitter, other.block.uops);
		make_block(endings[i % ARRAY_SIZE(endings)].kind, i % NR_UOPS);
		code.block.host = emitter_translate(&emitter, code.block.uops);
		size = emitter.used - (size_t)(code.block.host - emitter.memory.executable);
		for (unsigned link = 0; link < 2; link++) {
			if (!endings[i % ARRAY_SIZE(endings)].has[link])
				continue;
			assert_one_word_changes(link_to_other, link, size);
			assert_ptr_equal(emitter_linked(&emitter, &code.block, link),
					 other.block.host);
			assert_one_word_changes(unlink_again, link, size);
			assert_null(emitter_linked(&emitter, &code.block, link));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_micro_operation_does_what_its_body_does,
						setup_test, teardown_test),
		cmocka_unit_test_setup_teardown(
			each_call_with_code_of_its_own_does_what_its_function_does, setup_test,
			teardown_test),
		cmocka_unit_test_setup_teardown(
			what_lesser_hosts_execute_does_what_the_function_does, setup_test,
			teardown_test),
		cmocka_unit_test_setup_teardown(
			blocks_of_many_micro_operations_do_what_the_interpreter_does, setup_test,
			teardown_test),
		cmocka_unit_test_setup_teardown(blocks_of_many_calls_do_what_their_functions_do,
						setup_test, teardown_test),
		cmocka_unit_test_setup_teardown(calls_access_addresses_of_32_bits_with_sf_off,
						setup_test, teardown_test),
		cmocka_unit_test_setup_teardown(a_disassembler_reads_the_code_of_each_recipe,
						setup_test, teardown_test),
#ifdef __x86_64__
		cmocka_unit_test_setup_teardown(a_sync_is_a_full_fence_of_the_host, setup_test,
						teardown_test),
		cmocka_unit_test_setup_teardown(rare_ends_of_a_block_take_little_memory, setup_test,
						teardown_test),
		cmocka_unit_test_setup_teardown(
			what_is_rarely_executed_lies_apart_and_is_dropped_too, setup_test,
			teardown_test),
#endif
		cmocka_unit_test_setup_teardown(a_bit_of_msr_is_tested_once_in_a_block, setup_test,
						teardown_test),
		cmocka_unit_test_setup_teardown(a_branch_out_of_the_page_stays_in_translated_code,
						setup_test, teardown_test),
		cmocka_unit_test_setup_teardown(
			a_branch_out_of_the_page_enters_a_block_without_translated_code, setup_test,
			teardown_test),
		cmocka_unit_test_setup_teardown(
			a_branch_out_of_the_page_goes_nowhere_without_a_fetch_entry, setup_test,
			teardown_test),
		cmocka_unit_test_setup_teardown(a_link_changes_one_aligned_word_of_the_code,
						setup_test, teardown_test),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
