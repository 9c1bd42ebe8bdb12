/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The soft-float core against the host's arithmetic in every rounding mode, and what the comparison
 * with QEMU (tests/isa) cannot show: FR, FX, enabled exceptions and the results they suppress or
 * adjust.
 */
#include <fenv.h>
#include <math.h>

#include "engine/emu/fp/fpu.h"
#include "engine/emu/insn/insn.h"
#include "../fakes/random.h"
#include "unit.h"

#define CASES 200000

/* ---- what the semantics call ---- */

int cpu_raise(struct cpu *cpu, unsigned vector, uint64_t srr1)
{
	cpu->exception = vector;
	cpu->exception_srr1 = srr1;
	return EXCEPTION;
}

static uint8_t memory[16];

bool cpu_load32(struct cpu *cpu, uint64_t ea, uint64_t *v)
{
	uint32_t word;

	memcpy(&word, memory + ea, sizeof(word));
	*v = word;
	return true;
}

bool cpu_load64(struct cpu *cpu, uint64_t ea, uint64_t *v)
{
	memcpy(v, memory + ea, sizeof(*v));
	return true;
}

bool cpu_store32(struct cpu *cpu, uint64_t ea, uint64_t v)
{
	uint32_t word = (uint32_t)v;

	memcpy(memory + ea, &word, sizeof(word));
	return true;
}

bool cpu_store64(struct cpu *cpu, uint64_t ea, uint64_t v)
{
	memcpy(memory + ea, &v, sizeof(v));
	return true;
}

/* ---- numbers ---- */

static uint64_t sequence;

static uint64_t draw(void)
{
	return splitmix64(&sequence);
}

/*
 * Random bits of an encoding, often near one another, at an edge of the range, or with a short
 * fraction.
 */
static u128 draw_encoding(const struct fp_format *format)
{
	const unsigned fraction_bits = format->fraction_bits;
	const unsigned top = (1u << format->exponent_bits) - 1;
	u128 fraction = ((u128)draw() << 64 | draw()) & (((u128)1 << fraction_bits) - 1);
	uint64_t choice = draw(), sign = choice >> 63;
	unsigned exponent = (unsigned)draw() & top;

	switch (choice & 7) {
	case 0:
		exponent = 0;
		break;
	case 1:
		exponent = (unsigned)(draw() & 1 ? top - (draw() & 3) : draw() & 3);
		break;
	case 2:
	case 3:
	case 4:
		exponent = (unsigned)format->emax - 4 + (unsigned)(draw() & 7);
		break;
	default:
		break;
	}
	switch (choice >> 8 & 7) {
	case 0:
		fraction = 0;
		break;
	case 1:
		fraction = ((u128)1 << fraction_bits) - 1;
		break;
	case 2:
		fraction = (u128)1 << (draw() % fraction_bits);
		break;
	case 3:
		fraction &= ~((((u128)1 << fraction_bits) - 1) >> 6);
		break;
	default:
		break;
	}
	return (u128)sign << (fraction_bits + format->exponent_bits) |
	       (u128)exponent << fraction_bits | fraction;
}

static const int host_rounding[] = { FE_TONEAREST, FE_TOWARDZERO, FE_UPWARD, FE_DOWNWARD };

enum operation {
	ADD,
	SUBTRACT,
	MULTIPLY,
	DIVIDE,
	ROOT,
	MULTIPLY_ADD,
	OPERATIONS
};

static unsigned short_cuts[OPERATIONS];

struct outcome {
	u128 bits;
	int flags; /* FE_* */
};

typedef u128 host_fn(enum operation operation, u128 a, u128 b, u128 c);

/* volatile: the operation must happen between the calls that set the mode and read the flags. */
#define HOST(name, type, integer, root, fused)                                                  \
	static u128 name(enum operation operation, u128 a_bits, u128 b_bits, u128 c_bits)       \
	{                                                                                       \
		integer a_in = (integer)a_bits, b_in = (integer)b_bits, c_in = (integer)c_bits; \
		volatile type a, b, c, r = 0;                                                   \
		type result;                                                                    \
		integer bits;                                                                   \
                                                                                                \
		memcpy((void *)&a, &a_in, sizeof(a));                                           \
		memcpy((void *)&b, &b_in, sizeof(b));                                           \
		memcpy((void *)&c, &c_in, sizeof(c));                                           \
		switch (operation) {                                                            \
		case ADD:                                                                       \
			r = a + b;                                                              \
			break;                                                                  \
		case SUBTRACT:                                                                  \
			r = a - b;                                                              \
			break;                                                                  \
		case MULTIPLY:                                                                  \
			r = a * b;                                                              \
			break;                                                                  \
		case DIVIDE:                                                                    \
			r = a / b;                                                              \
			break;                                                                  \
		case ROOT:                                                                      \
			r = root(a);                                                            \
			break;                                                                  \
		default:                                                                        \
			r = fused(a, b, c);                                                     \
			break;                                                                  \
		}                                                                               \
		result = r;                                                                     \
		memcpy(&bits, &result, sizeof(bits));                                           \
		return bits;                                                                    \
	}

HOST(by_host_single, float, uint32_t, sqrtf, fmaf)
HOST(by_host_double, double, uint64_t, sqrt, fma)

static struct outcome on_host(host_fn *fn, enum fp_rounding rounding, enum operation operation,
			      u128 a, u128 b, u128 c)
{
	struct outcome r;

	fesetround(host_rounding[rounding]);
	feclearexcept(FE_ALL_EXCEPT);
	r.bits = fn(operation, a, b, c);
	r.flags = fetestexcept(FE_ALL_EXCEPT);
	fesetround(FE_TONEAREST);
	return r;
}

static struct fp ours(struct fpu *f, enum operation operation, u128 a_bits, u128 b_bits,
		      u128 c_bits, const struct fp_format *format)
{
	struct fp a = fp_unpack(a_bits, format), b = fp_unpack(b_bits, format),
		  c = fp_unpack(c_bits, format), r;

	switch (operation) {
	case ADD:
		r = fp_add(f, a, b);
		break;
	case SUBTRACT:
		r = fp_sub(f, a, b);
		break;
	case MULTIPLY:
		r = fp_mul(f, a, b);
		break;
	case DIVIDE:
		r = fp_div(f, a, b);
		break;
	case ROOT:
		r = fp_sqrt(f, a);
		break;
	default:
		return fpu_fma_rounded(f, a, b, c, 0, format);
	}
	fp_round(f, &r, format);
	return r;
}

/* The shortcut through the host's instructions gives the same result wherever it is taken. */
static bool short_cut_agrees(const struct fpu *f, const struct fp *r, enum operation operation,
			     const u128 *v, const struct fp_format *format)
{
	static fp_binary_fn *const binary[] = { fp_add, fp_sub, fp_mul, fp_div };
	struct fpu g = { .rounding = f->rounding };
	uint64_t in[2], out;
	bool taken;

	for (unsigned i = 0; i < 2; i++)
		in[i] = format == &fp_single ? fp_single_to_double((uint32_t)v[i]) : (uint64_t)v[i];
	if (operation == ROOT)
		taken = fpu_host_unary(&g, fp_sqrt, in[0], format, &out);
	else
		taken = fpu_host_binary(&g, binary[operation], in[0], in[1], format, &out);
	if (!taken)
		return true;
	short_cuts[operation]++;
	return out == fp_pack64(r) && g.fr == f->fr && g.fi == f->fi && g.raised == f->raised;
}

static const char *show(u128 v)
{
	static char text[4][40];
	static unsigned next;
	char *t = text[next++ & 3];

	snprintf(t, sizeof(text[0]), "%016llx%016llx", (unsigned long long)(v >> 64),
		 (unsigned long long)v);
	return t;
}

static void assert_as_on_host(host_fn *host, enum fp_rounding rounding, enum operation operation,
			      const u128 *v, const struct fp_format *format)
{
	const u128 magnitude = ((u128)1 << (format->fraction_bits + format->exponent_bits)) - 1;
	struct outcome expected = on_host(host, rounding, operation, v[0], v[1], v[2]);
	struct outcome truncated = on_host(host, FP_TO_ZERO, operation, v[0], v[1], v[2]);
	struct fpu f = { .rounding = rounding, .quad = format == &fp_quad };
	struct fp r = ours(&f, operation, v[0], v[1], v[2], format),
		  theirs = fp_unpack(expected.bits, format);
	bool fine;

	if (fp_is_nan(&theirs)) {
		fine = fp_is_nan(&r);
		/*
		 * IEEE 754 does not specify whether infinity times zero plus a quiet NaN is
		 * invalid.
		 */
		if (operation != MULTIPLY_ADD)
			fine &= !(f.raised & FPSCR_VX_ANY) == !(expected.flags & FE_INVALID);
	} else {
		bool at_smallest_normal = (expected.bits & magnitude) ==
					  (u128)1 << format->fraction_bits;

		fine = fp_pack(&r, format) == expected.bits && !(f.raised & FPSCR_VX_ANY) &&
		       !(f.raised & FPSCR_ZX) == !(expected.flags & FE_DIVBYZERO) &&
		       !(f.raised & FPSCR_OX) == !(expected.flags & FE_OVERFLOW) &&
		       !(f.raised & FPSCR_XX) == !(expected.flags & FE_INEXACT) &&
		       f.fi == !!(f.raised & FPSCR_XX);
		/* Hosts may detect tiny results after rounding. */
		if (!at_smallest_normal)
			fine &= !(f.raised & FPSCR_UX) == !(expected.flags & FE_UNDERFLOW);
		if (!(f.raised & FPSCR_OX))
			fine &= f.fr ==
				((expected.bits & magnitude) > (truncated.bits & magnitude));
	}
	if (format != &fp_quad && operation != MULTIPLY_ADD)
		fine &= short_cut_agrees(&f, &r, operation, v, format);
	if (!fine)
		fail_msg(
			"operation %d, rounding %d: %s, %s, %s: %s, raised %llx, fr %d; host %s, flags %x",
			operation, rounding, show(v[0]), show(v[1]), show(v[2]),
			show(fp_pack(&r, format)), (unsigned long long)f.raised, f.fr,
			show(expected.bits), (unsigned)expected.flags);
}

static void compare_with_host(host_fn *host, const struct fp_format *format, enum operation last)
{
	sequence = 1;
	memset(short_cuts, 0, sizeof(short_cuts));
	for (unsigned i = 0; i < CASES; i++) {
		u128 v[3];

		for (unsigned j = 0; j < 3; j++)
			v[j] = draw_encoding(format);
		if (!(i & 15)) /* an addend that cancels most of a product */
			v[2] = on_host(host, FP_TO_ZERO, MULTIPLY, v[0], v[1], 0).bits ^
			       (u128)1 << (format->fraction_bits + format->exponent_bits);
		for (enum operation operation = ADD; operation <= last; operation++)
			assert_as_on_host(host, (enum fp_rounding)(draw() & 3), operation, v,
					  format);
	}
}

/* In a quarter of the cases the mode is to nearest, and in most of these operands are normal. */
static void assert_short_cuts_were_taken(void)
{
	for (enum operation operation = ADD; operation < MULTIPLY_ADD; operation++)
		assert_true(short_cuts[operation] > CASES / 40);
}

static void rounding_to_single_over_the_host_agrees(void **state)
{
	unsigned taken = 0;

	sequence = 3;
	for (unsigned i = 0; i < CASES; i++) {
		uint64_t v = (uint64_t)draw_encoding(&fp_double), out;
		struct fpu f = { 0 }, g = { 0 };
		struct fp r;

		/* most doubles are out of range: bring the exponent near that of a single */
		if (i & 1)
			v = (v & ~(0x7ffull << 52)) | (1023 - 160 + draw() % 320) << 52;
		r = fp_unpack64(v);
		fp_round(&f, &r, &fp_single);
		if (!fpu_host_unary(&g, fp_quiet, v, &fp_single, &out))
			continue;
		taken++;
		assert_int_equal(out, fp_pack64(&r));
		assert_int_equal(g.raised, f.raised);
		assert_int_equal(g.fr, f.fr);
		assert_int_equal(g.fi, f.fi);
	}
	assert_true(taken > CASES / 4);
}

static void doubles_come_out_as_on_the_host_in_every_rounding_mode(void **state)
{
	compare_with_host(by_host_double, &fp_double, MULTIPLY_ADD);
	assert_short_cuts_were_taken();
}

static void singles_come_out_as_on_the_host_in_every_rounding_mode(void **state)
{
	compare_with_host(by_host_single, &fp_single, MULTIPLY_ADD);
	assert_short_cuts_were_taken();
}

/* For compilers with a quad type whose library honours the rounding mode. */
#if defined(__SIZEOF_FLOAT128__) && defined(__x86_64__)
#define HAVE_QUAD 1
typedef __float128 quad_type;

static quad_type no_root(quad_type v)
{
	return v;
}

static quad_type no_fused(quad_type a, quad_type b, quad_type c)
{
	return a * b + c;
}

HOST(by_host_quad, quad_type, u128, no_root, no_fused)

static void quads_come_out_as_on_the_host_in_every_rounding_mode(void **state)
{
	compare_with_host(by_host_quad, &fp_quad, DIVIDE);
}
#endif

/* The product of two singles is an exact double, and so is 2^-192 times it. */
static void trapped_overflow_and_underflow_of_singles_adjust_the_exponent(void **state)
{
	unsigned overflows = 0, underflows = 0;

	sequence = 2;
	for (unsigned i = 0; i < CASES; i++) {
		uint32_t a_bits = (uint32_t)draw_encoding(&fp_single),
			 b_bits = (uint32_t)draw_encoding(&fp_single);
		struct fpu f = { .enabled = FPSCR_OE | FPSCR_UE,
				 .rounding = (enum fp_rounding)(i & 3) };
		struct fp r = fp_mul(&f, fp_unpack32(a_bits), fp_unpack32(b_bits));
		volatile double scaled;
		volatile float rounded;
		double expected;
		uint64_t bits;
		float a, b;

		if (r.class != CLASS_FINITE)
			continue;
		memcpy(&a, &a_bits, sizeof(a));
		memcpy(&b, &b_bits, sizeof(b));
		fp_round(&f, &r, &fp_single);
		scaled = (double)a * (double)b;
		if (f.raised & FPSCR_OX) {
			overflows++;
			scaled *= 0x1p-192;
		}
		if (f.raised & FPSCR_UX) {
			underflows++;
			scaled *= 0x1p192;
		}
		fesetround(host_rounding[f.rounding]);
		rounded = (float)scaled;
		fesetround(FE_TONEAREST);
		expected = rounded;
		memcpy(&bits, &expected, sizeof(bits));
		assert_int_equal(fp_pack64(&r), bits);
		assert_int_equal(f.fi, (double)rounded != scaled);
	}
	assert_true(overflows > 1000 && underflows > 1000);
}

static void every_single_survives_a_load_and_a_store(void **state)
{
	for (uint64_t v = 0; v <= UINT32_MAX; v += 251)
		if (fp_double_to_single(fp_single_to_double((uint32_t)v)) != v)
			fail_msg("%08llx became %016llx", (unsigned long long)v,
				 (unsigned long long)fp_single_to_double((uint32_t)v));
}

static void every_half_survives_the_way_to_single_and_back(void **state)
{
	for (uint32_t v = 0; v < 0x10000; v++) {
		struct fpu f = { .rounding = FP_TO_ODD };
		struct fp half = fp_unpack(v, &fp_half), back;

		if (half.class == CLASS_SNAN)
			continue;
		fp_round(&f, &half, &fp_single);
		back = fp_unpack(fp_pack(&half, &fp_single), &fp_single);
		fp_round(&f, &back, &fp_half);
		assert_int_equal((uint64_t)fp_pack(&back, &fp_half), v);
		assert_int_equal(f.raised, 0);
	}
}

/* ---- instructions ---- */

static struct cpu cpu;

#define ONE		0x3ff0000000000000ull
#define LARGEST		0x7fefffffffffffffull
#define SMALLEST_NORMAL 0x0010000000000000ull
#define INFINITY_BITS	0x7ff0000000000000ull
#define QUIET_BITS	0x7ff8000000000000ull
#define SIGNALLING	0x7ff0000000000001ull
#define UNTOUCHED	0x1234567812345678ull

/* frt, fra, frb, frc of an A-form; of an XX3-form the first three. */
#define A_FORM(t, a, b, c) ((t) << 21 | (a) << 16 | (b) << 11 | (c) << 6)

static void set(unsigned n, uint64_t v)
{
	VSR_D(cpu.vsr[n], 0) = v;
	VSR_D(cpu.vsr[n], 1) = v;
}

static uint64_t get0(unsigned n)
{
	return VSR_D(cpu.vsr[n], 0);
}

/* VSR 1, 2, 3 are operands, 4 is the target. */
static int reset(void **state)
{
	memset(&cpu, 0, sizeof(cpu));
	cpu.msr = MSR_FP | MSR_VSX | MSR_FE0 | MSR_FE1;
	set(1, ONE);
	set(2, ONE);
	set(3, ONE);
	set(4, UNTOUCHED);
	return 0;
}

static void fx_rises_with_the_first_of_an_exception_only(void **state)
{
	set(2, 0);
	assert_int_equal(sem_fdiv(&cpu, A_FORM(4, 1, 2, 0)), 0);
	assert_int_equal(cpu.fpscr, FPSCR_FX | FPSCR_ZX | 0x5000);
	cpu.fpscr &= ~FPSCR_FX;
	assert_int_equal(sem_fdiv(&cpu, A_FORM(4, 1, 2, 0)), 0);
	assert_int_equal(cpu.fpscr, FPSCR_ZX | 0x5000);
	set(1, 0);
	assert_int_equal(sem_fdiv(&cpu, A_FORM(4, 1, 2, 0)), 0);
	assert_int_equal(cpu.fpscr, FPSCR_FX | FPSCR_VX | FPSCR_VXZDZ | FPSCR_ZX | 0x11000);
	assert_int_equal(get0(4), QUIET_BITS);
}

static void an_enabled_invalid_operation_leaves_target_and_fprf(void **state)
{
	cpu.fpscr = FPSCR_VE | FPSCR_FI | FPSCR_FR | 0x8000;
	set(1, SIGNALLING);
	assert_int_equal(sem_fadd(&cpu, A_FORM(4, 1, 2, 0) | 1), EXCEPTION);
	assert_int_equal(cpu.exception, 0x700);
	assert_int_equal(cpu.exception_srr1, SRR1_FP_ENABLED);
	assert_int_equal(get0(4), UNTOUCHED);
	assert_int_equal(cpu.fpscr,
			 FPSCR_VE | FPSCR_FX | FPSCR_FEX | FPSCR_VX | FPSCR_VXSNAN | 0x8000);
	assert_int_equal(cpu.cr[1], 0xe);
}

static void an_enabled_zero_divide_leaves_the_target(void **state)
{
	cpu.fpscr = FPSCR_ZE;
	set(2, 0);
	assert_int_equal(sem_xsdivdp(&cpu, A_FORM(4, 1, 2, 0)), EXCEPTION);
	assert_int_equal(get0(4), UNTOUCHED);
	assert_int_equal(cpu.fpscr, FPSCR_ZE | FPSCR_FX | FPSCR_FEX | FPSCR_ZX);
}

static void an_enabled_overflow_writes_the_adjusted_result_and_interrupts(void **state)
{
	cpu.fpscr = FPSCR_OE;
	set(1, LARGEST);
	set(3, 0x4000000000000000ull);
	assert_int_equal(sem_fmul(&cpu, A_FORM(4, 1, 0, 3)), EXCEPTION);
	/* 2^1024 less 1536 of the exponent: biased 1024 + 1023 - 1536 */
	assert_int_equal(get0(4),
			 (uint64_t)(1024 + 1023 - 1536) << 52 | (LARGEST & 0xfffffffffffffull));
	assert_int_equal(VSR_D(cpu.vsr[4], 1), 0);
	assert_int_equal(cpu.fpscr, FPSCR_OE | FPSCR_FX | FPSCR_FEX | FPSCR_OX | 0x4000);
}

static void an_enabled_underflow_needs_no_loss_of_accuracy(void **state)
{
	set(1, SMALLEST_NORMAL);
	set(3, 0x3fe0000000000000ull);
	assert_int_equal(sem_fmul(&cpu, A_FORM(4, 1, 0, 3)), 0);
	assert_int_equal(get0(4), SMALLEST_NORMAL / 2);
	assert_int_equal(cpu.fpscr, 0x14000);
	cpu.fpscr = FPSCR_UE;
	assert_int_equal(sem_fmul(&cpu, A_FORM(4, 1, 0, 3)), EXCEPTION);
	assert_int_equal(get0(4), (uint64_t)(-1023 + 1023 + 1536) << 52);
	assert_int_equal(cpu.fpscr, FPSCR_UE | FPSCR_FX | FPSCR_FEX | FPSCR_UX | 0x4000);
}

static void without_fe0_and_fe1_no_exception_interrupts(void **state)
{
	cpu.msr &= ~(MSR_FE0 | MSR_FE1);
	cpu.fpscr = FPSCR_VE;
	set(1, SIGNALLING);
	assert_int_equal(sem_fadd(&cpu, A_FORM(4, 1, 2, 0)), 0);
	assert_int_equal(get0(4), UNTOUCHED);
	assert_int_equal(cpu.fpscr, FPSCR_VE | FPSCR_FX | FPSCR_FEX | FPSCR_VX | FPSCR_VXSNAN);
}

static void one_enabled_exception_keeps_a_whole_vector_from_being_written(void **state)
{
	cpu.fpscr = FPSCR_XE | FPSCR_FI | 0x4000;
	VSR_D(cpu.vsr[2], 1) = 1;
	assert_int_equal(sem_xvadddp(&cpu, A_FORM(4, 1, 2, 0)), EXCEPTION);
	assert_int_equal(get0(4), UNTOUCHED);
	assert_int_equal(VSR_D(cpu.vsr[4], 1), UNTOUCHED);
	/* and vector instructions do not change FR, FI and FPRF */
	assert_int_equal(cpu.fpscr, FPSCR_XE | FPSCR_FX | FPSCR_FEX | FPSCR_XX | FPSCR_FI | 0x4000);
}

static void an_ordered_comparison_of_a_signalling_nan_hides_vxvc_if_invalid_is_enabled(void **state)
{
	set(1, SIGNALLING);
	assert_int_equal(sem_fcmpo(&cpu, 3u << 23 | A_FORM(0, 1, 2, 0)), 0);
	assert_int_equal(cpu.cr[3], CR_SO);
	assert_int_equal(cpu.fpscr, FPSCR_FX | FPSCR_VX | FPSCR_VXSNAN | FPSCR_VXVC | 0x1000);
	cpu.fpscr = FPSCR_VE;
	assert_int_equal(sem_fcmpo(&cpu, 3u << 23 | A_FORM(0, 1, 2, 0)), EXCEPTION);
	assert_int_equal(cpu.fpscr,
			 FPSCR_VE | FPSCR_FX | FPSCR_FEX | FPSCR_VX | FPSCR_VXSNAN | 0x1000);
}

static void infinity_times_zero_plus_a_signalling_nan_is_invalid_twice(void **state)
{
	set(1, INFINITY_BITS);
	set(3, 0);
	set(2, SIGNALLING);
	assert_int_equal(sem_fmadd(&cpu, A_FORM(4, 1, 2, 3)), 0);
	assert_int_equal(get0(4), SIGNALLING | QUIET_BITS);
	assert_int_equal(cpu.fpscr, FPSCR_FX | FPSCR_VX | FPSCR_VXSNAN | FPSCR_VXIMZ | 0x11000);
}

/* The product has one bit more than fits, which the addend, far below, must not wipe out. */
static void a_quad_product_beside_a_tiny_addend_is_inexact(void **state)
{
	const u128 a = (u128)0x41ab0000c0b2c5ef << 64 | 0x4002000000000000;
	const u128 addend = (u128)0xbb0e11d73f000000 << 64 | 0x7fff01ff010000c7;
	struct fpu f = { .quad = true, .rounding = FP_DOWN };
	struct fp r = fp_multiply_add(&f, fp_unpack(a, &fp_quad), fp_unpack(a, &fp_quad),
				      fp_unpack(addend, &fp_quad), false);

	fp_round(&f, &r, &fp_quad);
	assert_true(f.fi);
	assert_false(f.fr);
}

static void a_negated_sum_is_negated_after_rounding(void **state)
{
	cpu.fpscr = FP_UP;
	set(2, 1);
	assert_int_equal(sem_fnmadd(&cpu, A_FORM(4, 1, 2, 3)), 0);
	assert_int_equal(get0(4), 1ull << 63 | (ONE + 1));
	assert_int_equal(cpu.fpscr & (FPSCR_FR | FPSCR_FI), FPSCR_FR | FPSCR_FI);
}

/* The exact sum is halfway between two numbers, of which the even one is the greater. */
static void a_sum_next_to_the_largest_number_tells_that_it_was_rounded_up(void **state)
{
	const uint64_t sign = 1ull << 63, units = 0x7ca8000000000000ull; /* 1.5 of the last place */

	for (unsigned i = 0; i < 4; i++) {
		const bool negative = i & 1, swapped = i & 2;

		reset(state);
		set(swapped ? 2 : 1, negative ? LARGEST | sign : LARGEST);
		set(swapped ? 1 : 2, negative ? units : units | sign);
		assert_int_equal(sem_fadd(&cpu, A_FORM(4, 1, 2, 0)), 0);
		assert_int_equal(get0(4), (LARGEST - 1) | (negative ? sign : 0));
		assert_int_equal(cpu.fpscr, FPSCR_FX | FPSCR_XX | FPSCR_FR | FPSCR_FI |
						    (negative ? 0x8000 : 0x4000));
	}
}

static void fprf_of_a_single_tells_denormals_of_the_single_format(void **state)
{
	set(1, 0x3800000000000000ull); /* 2^-127 */
	assert_int_equal(sem_frsp(&cpu, A_FORM(4, 0, 1, 0)), 0);
	assert_int_equal(get0(4), 0x3800000000000000ull);
	assert_int_equal(cpu.fpscr, 0x14000);
}

static void mtfsb1_raises_fx_and_interrupts_if_the_exception_is_enabled(void **state)
{
	assert_int_equal(sem_mtfsb1(&cpu, 3 << 21), 0); /* OX */
	assert_int_equal(cpu.fpscr, FPSCR_FX | FPSCR_OX);
	cpu.fpscr = FPSCR_OE;
	assert_int_equal(sem_mtfsb1(&cpu, 3 << 21), EXCEPTION);
	assert_int_equal(cpu.fpscr, FPSCR_OE | FPSCR_FX | FPSCR_FEX | FPSCR_OX);
	assert_int_equal(cpu.exception_srr1, SRR1_FP_ENABLED);
}

static void fex_and_vx_follow_and_cannot_be_written(void **state)
{
	cpu.msr &= ~(MSR_FE0 | MSR_FE1);
	set(1, ~0ull);
	assert_int_equal(sem_mtfsf(&cpu, 1u << 25 | 1 << 11), 0);
	assert_int_equal(cpu.fpscr, 0x7fffff7ffull);
	set(1, FPSCR_FEX | FPSCR_VX);
	assert_int_equal(sem_mtfsf(&cpu, 1u << 25 | 1 << 11), 0);
	assert_int_equal(cpu.fpscr, 0);
	cpu.fpscr = FPSCR_VX | FPSCR_VXSNAN;
	assert_int_equal(sem_mtfsb0(&cpu, 7 << 21), 0); /* VXSNAN */
	assert_int_equal(cpu.fpscr, 0);
}

static void mcrfs_clears_the_exceptions_it_copies_and_nothing_else(void **state)
{
	cpu.fpscr = 0x7fffffff7ull;
	assert_int_equal(sem_mcrfs(&cpu, 2u << 23 | 1 << 18), 0); /* UX, ZX, XX, VXSNAN */
	assert_int_equal(cpu.cr[2], 15);
	assert_int_equal(cpu.fpscr & 0xff000000, FPSCR_FX | FPSCR_FEX | FPSCR_VX | FPSCR_OX);
	assert_int_equal(sem_mcrfs(&cpu, 2u << 23 | 3 << 18), 0); /* VXVC, FR, FI, C */
	assert_int_equal(cpu.fpscr & 0xf0000, FPSCR_FR | FPSCR_FI | 0x10000);
}

static void mffsce_returns_the_enables_that_it_clears(void **state)
{
	cpu.fpscr = FPSCR_ENABLES | FPSCR_FEX | FPSCR_OX | FP_UP;
	assert_int_equal(sem_mffsce(&cpu, 4 << 21), 0);
	assert_int_equal(get0(4), FPSCR_ENABLES | FPSCR_FEX | FPSCR_OX | FP_UP);
	assert_int_equal(cpu.fpscr, FPSCR_OX | FP_UP);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, reset)
	const struct CMUnitTest tests[] = {
		TEST(doubles_come_out_as_on_the_host_in_every_rounding_mode),
		TEST(singles_come_out_as_on_the_host_in_every_rounding_mode),
		TEST(rounding_to_single_over_the_host_agrees),
#ifdef HAVE_QUAD
		TEST(quads_come_out_as_on_the_host_in_every_rounding_mode),
#endif
		TEST(trapped_overflow_and_underflow_of_singles_adjust_the_exponent),
		TEST(every_single_survives_a_load_and_a_store),
		TEST(every_half_survives_the_way_to_single_and_back),
		TEST(fx_rises_with_the_first_of_an_exception_only),
		TEST(an_enabled_invalid_operation_leaves_target_and_fprf),
		TEST(an_enabled_zero_divide_leaves_the_target),
		TEST(an_enabled_overflow_writes_the_adjusted_result_and_interrupts),
		TEST(an_enabled_underflow_needs_no_loss_of_accuracy),
		TEST(without_fe0_and_fe1_no_exception_interrupts),
		TEST(one_enabled_exception_keeps_a_whole_vector_from_being_written),
		TEST(an_ordered_comparison_of_a_signalling_nan_hides_vxvc_if_invalid_is_enabled),
		TEST(infinity_times_zero_plus_a_signalling_nan_is_invalid_twice),
		TEST(a_quad_product_beside_a_tiny_addend_is_inexact),
		TEST(a_negated_sum_is_negated_after_rounding),
		TEST(a_sum_next_to_the_largest_number_tells_that_it_was_rounded_up),
		TEST(fprf_of_a_single_tells_denormals_of_the_single_format),
		TEST(mtfsb1_raises_fx_and_interrupts_if_the_exception_is_enabled),
		TEST(fex_and_vx_follow_and_cannot_be_written),
		TEST(mcrfs_clears_the_exceptions_it_copies_and_nothing_else),
		TEST(mffsce_returns_the_enables_that_it_clears),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
