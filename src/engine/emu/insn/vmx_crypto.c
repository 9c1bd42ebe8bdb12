/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Vector facility, Power ISA 3.0B chapter 6: AES and SHA-2 rounds, carryless products, and packed
 * decimals (section 6.17). The AES tables are those of FIPS 197, the SHA functions those of FIPS
 * 180-4.
 */
#include "engine/emu/fp/declet.h"
#include "engine/emu/insn/vector_operands.h"

/* ---- AES ---- */

static const uint8_t sub_bytes[256] = {
	0x63, 0x7c, 0x77, 0x7b, 0xf2, 0x6b, 0x6f, 0xc5, 0x30, 0x01, 0x67, 0x2b, 0xfe, 0xd7, 0xab,
	0x76, 0xca, 0x82, 0xc9, 0x7d, 0xfa, 0x59, 0x47, 0xf0, 0xad, 0xd4, 0xa2, 0xaf, 0x9c, 0xa4,
	0x72, 0xc0, 0xb7, 0xfd, 0x93, 0x26, 0x36, 0x3f, 0xf7, 0xcc, 0x34, 0xa5, 0xe5, 0xf1, 0x71,
	0xd8, 0x31, 0x15, 0x04, 0xc7, 0x23, 0xc3, 0x18, 0x96, 0x05, 0x9a, 0x07, 0x12, 0x80, 0xe2,
	0xeb, 0x27, 0xb2, 0x75, 0x09, 0x83, 0x2c, 0x1a, 0x1b, 0x6e, 0x5a, 0xa0, 0x52, 0x3b, 0xd6,
	0xb3, 0x29, 0xe3, 0x2f, 0x84, 0x53, 0xd1, 0x00, 0xed, 0x20, 0xfc, 0xb1, 0x5b, 0x6a, 0xcb,
	0xbe, 0x39, 0x4a, 0x4c, 0x58, 0xcf, 0xd0, 0xef, 0xaa, 0xfb, 0x43, 0x4d, 0x33, 0x85, 0x45,
	0xf9, 0x02, 0x7f, 0x50, 0x3c, 0x9f, 0xa8, 0x51, 0xa3, 0x40, 0x8f, 0x92, 0x9d, 0x38, 0xf5,
	0xbc, 0xb6, 0xda, 0x21, 0x10, 0xff, 0xf3, 0xd2, 0xcd, 0x0c, 0x13, 0xec, 0x5f, 0x97, 0x44,
	0x17, 0xc4, 0xa7, 0x7e, 0x3d, 0x64, 0x5d, 0x19, 0x73, 0x60, 0x81, 0x4f, 0xdc, 0x22, 0x2a,
	0x90, 0x88, 0x46, 0xee, 0xb8, 0x14, 0xde, 0x5e, 0x0b, 0xdb, 0xe0, 0x32, 0x3a, 0x0a, 0x49,
	0x06, 0x24, 0x5c, 0xc2, 0xd3, 0xac, 0x62, 0x91, 0x95, 0xe4, 0x79, 0xe7, 0xc8, 0x37, 0x6d,
	0x8d, 0xd5, 0x4e, 0xa9, 0x6c, 0x56, 0xf4, 0xea, 0x65, 0x7a, 0xae, 0x08, 0xba, 0x78, 0x25,
	0x2e, 0x1c, 0xa6, 0xb4, 0xc6, 0xe8, 0xdd, 0x74, 0x1f, 0x4b, 0xbd, 0x8b, 0x8a, 0x70, 0x3e,
	0xb5, 0x66, 0x48, 0x03, 0xf6, 0x0e, 0x61, 0x35, 0x57, 0xb9, 0x86, 0xc1, 0x1d, 0x9e, 0xe1,
	0xf8, 0x98, 0x11, 0x69, 0xd9, 0x8e, 0x94, 0x9b, 0x1e, 0x87, 0xe9, 0xce, 0x55, 0x28, 0xdf,
	0x8c, 0xa1, 0x89, 0x0d, 0xbf, 0xe6, 0x42, 0x68, 0x41, 0x99, 0x2d, 0x0f, 0xb0, 0x54, 0xbb,
	0x16,
};

static const uint8_t inverse_sub_bytes[256] = {
	0x52, 0x09, 0x6a, 0xd5, 0x30, 0x36, 0xa5, 0x38, 0xbf, 0x40, 0xa3, 0x9e, 0x81, 0xf3, 0xd7,
	0xfb, 0x7c, 0xe3, 0x39, 0x82, 0x9b, 0x2f, 0xff, 0x87, 0x34, 0x8e, 0x43, 0x44, 0xc4, 0xde,
	0xe9, 0xcb, 0x54, 0x7b, 0x94, 0x32, 0xa6, 0xc2, 0x23, 0x3d, 0xee, 0x4c, 0x95, 0x0b, 0x42,
	0xfa, 0xc3, 0x4e, 0x08, 0x2e, 0xa1, 0x66, 0x28, 0xd9, 0x24, 0xb2, 0x76, 0x5b, 0xa2, 0x49,
	0x6d, 0x8b, 0xd1, 0x25, 0x72, 0xf8, 0xf6, 0x64, 0x86, 0x68, 0x98, 0x16, 0xd4, 0xa4, 0x5c,
	0xcc, 0x5d, 0x65, 0xb6, 0x92, 0x6c, 0x70, 0x48, 0x50, 0xfd, 0xed, 0xb9, 0xda, 0x5e, 0x15,
	0x46, 0x57, 0xa7, 0x8d, 0x9d, 0x84, 0x90, 0xd8, 0xab, 0x00, 0x8c, 0xbc, 0xd3, 0x0a, 0xf7,
	0xe4, 0x58, 0x05, 0xb8, 0xb3, 0x45, 0x06, 0xd0, 0x2c, 0x1e, 0x8f, 0xca, 0x3f, 0x0f, 0x02,
	0xc1, 0xaf, 0xbd, 0x03, 0x01, 0x13, 0x8a, 0x6b, 0x3a, 0x91, 0x11, 0x41, 0x4f, 0x67, 0xdc,
	0xea, 0x97, 0xf2, 0xcf, 0xce, 0xf0, 0xb4, 0xe6, 0x73, 0x96, 0xac, 0x74, 0x22, 0xe7, 0xad,
	0x35, 0x85, 0xe2, 0xf9, 0x37, 0xe8, 0x1c, 0x75, 0xdf, 0x6e, 0x47, 0xf1, 0x1a, 0x71, 0x1d,
	0x29, 0xc5, 0x89, 0x6f, 0xb7, 0x62, 0x0e, 0xaa, 0x18, 0xbe, 0x1b, 0xfc, 0x56, 0x3e, 0x4b,
	0xc6, 0xd2, 0x79, 0x20, 0x9a, 0xdb, 0xc0, 0xfe, 0x78, 0xcd, 0x5a, 0xf4, 0x1f, 0xdd, 0xa8,
	0x33, 0x88, 0x07, 0xc7, 0x31, 0xb1, 0x12, 0x10, 0x59, 0x27, 0x80, 0xec, 0x5f, 0x60, 0x51,
	0x7f, 0xa9, 0x19, 0xb5, 0x4a, 0x0d, 0x2d, 0xe5, 0x7a, 0x9f, 0x93, 0xc9, 0x9c, 0xef, 0xa0,
	0xe0, 0x3b, 0x4d, 0xae, 0x2a, 0xf5, 0xb0, 0xc8, 0xeb, 0xbb, 0x3c, 0x83, 0x53, 0x99, 0x61,
	0x17, 0x2b, 0x04, 0x7e, 0xba, 0x77, 0xd6, 0x26, 0xe1, 0x69, 0x14, 0x63, 0x55, 0x21, 0x0c,
	0x7d,
};

/* x * a in GF(2^8) modulo x^8 + x^4 + x^3 + x + 1. */
static inline uint8_t times_x(uint8_t a)
{
	return (uint8_t)(a << 1 ^ (a & 0x80 ? 0x1b : 0));
}

static inline uint8_t times(uint8_t a, unsigned factor)
{
	uint8_t product = 0;

	for (; factor; factor >>= 1, a = times_x(a))
		if (factor & 1)
			product ^= a;
	return product;
}

/* The state is the register read by columns: byte 4 * column + row. */
static union vsr sub_and_shift_rows(const union vsr *state)
{
	union vsr t;

	for (unsigned i = 0; i < 16; i++)
		VSR_B(t, i) = sub_bytes[VSR_B(*state, (i + 4 * (i & 3)) & 15)];
	return t;
}

static union vsr inverse_shift_rows_and_sub(const union vsr *state)
{
	union vsr t;

	for (unsigned i = 0; i < 16; i++)
		VSR_B(t, i) = inverse_sub_bytes[VSR_B(*state, (i - 4 * (i & 3)) & 15)];
	return t;
}

/* Each column times the polynomial whose coefficients are @c. */
static union vsr mix_columns(const union vsr *state, const uint8_t c[4])
{
	union vsr t;

	for (unsigned column = 0; column < 16; column += 4)
		for (unsigned row = 0; row < 4; row++) {
			uint8_t sum = 0;

			for (unsigned k = 0; k < 4; k++)
				sum ^= times(VSR_B(*state, column + k), c[(k - row) & 3]);
			VSR_B(t, column + row) = sum;
		}
	return t;
}

SEM(vcipher)
{
	static const uint8_t coefficients[4] = { 2, 3, 1, 1 };
	union vsr t = sub_and_shift_rows(&VRA(cpu, insn));

	t = mix_columns(&t, coefficients);
	t.q ^= VRB(cpu, insn).q;
	VRT(cpu, insn) = t;
	return 0;
}

SEM(vcipherlast)
{
	union vsr t = sub_and_shift_rows(&VRA(cpu, insn));

	t.q ^= VRB(cpu, insn).q;
	VRT(cpu, insn) = t;
	return 0;
}

SEM(vncipher)
{
	static const uint8_t coefficients[4] = { 14, 11, 13, 9 };
	union vsr t = inverse_shift_rows_and_sub(&VRA(cpu, insn));

	t.q ^= VRB(cpu, insn).q;
	VRT(cpu, insn) = mix_columns(&t, coefficients);
	return 0;
}

SEM(vncipherlast)
{
	union vsr t = inverse_shift_rows_and_sub(&VRA(cpu, insn));

	t.q ^= VRB(cpu, insn).q;
	VRT(cpu, insn) = t;
	return 0;
}

SEM(vsbox)
{
	union vsr t = VRA(cpu, insn);

	for (unsigned i = 0; i < 16; i++)
		t.b[i] = sub_bytes[t.b[i]];
	VRT(cpu, insn) = t;
	return 0;
}

/* ---- SHA-2 ---- */

/*
 * ST selects between the functions of the message schedule and those of the rounds; SIX selects the
 * function for each element.
 */
#define F_ST(insn)	   FIELD(insn, 16, 16)
#define F_SIX_BIT(insn, i) ((insn) >> (14 - (i)) & 1)

static inline uint32_t rotate_right32(uint32_t v, unsigned n)
{
	return v >> n | v << (32 - n);
}

static inline uint64_t rotate_right64(uint64_t v, unsigned n)
{
	return v >> n | v << (64 - n);
}

SEM(vshasigmaw)
{
	static const uint8_t amounts[4][3] = {
		{ 7, 18, 3 }, { 17, 19, 10 }, { 2, 13, 22 }, { 6, 11, 25 }
	};
	union vsr t = VRA(cpu, insn);

	for (unsigned i = 0; i < 4; i++) {
		const uint8_t *n = amounts[F_ST(insn) << 1 | F_SIX_BIT(insn, i)];
		uint32_t v = VSR_W(t, i);

		VSR_W(t, i) = rotate_right32(v, n[0]) ^ rotate_right32(v, n[1]) ^
			      (F_ST(insn) ? rotate_right32(v, n[2]) : v >> n[2]);
	}
	VRT(cpu, insn) = t;
	return 0;
}

SEM(vshasigmad)
{
	static const uint8_t amounts[4][3] = {
		{ 1, 8, 7 }, { 19, 61, 6 }, { 28, 34, 39 }, { 14, 18, 41 }
	};
	union vsr t = VRA(cpu, insn);

	for (unsigned i = 0; i < 2; i++) {
		const uint8_t *n = amounts[F_ST(insn) << 1 | F_SIX_BIT(insn, 2 * i)];
		uint64_t v = VSR_D(t, i);

		VSR_D(t, i) = rotate_right64(v, n[0]) ^ rotate_right64(v, n[1]) ^
			      (F_ST(insn) ? rotate_right64(v, n[2]) : v >> n[2]);
	}
	VRT(cpu, insn) = t;
	return 0;
}

/* ---- carryless products ---- */

static inline u128 carryless_product(uint64_t a, uint64_t b, unsigned bits)
{
	u128 product = 0, shifted = b;

	for (unsigned i = 0; i < bits; i++, shifted <<= 1)
		product ^= shifted & -(u128)(a >> i & 1);
	return product;
}

/*
 * Add the products of the even and the odd elements, without carries, into elements twice as wide.
 */
#define CARRYLESS_SUM(name, member, bits, wide_member, count)                                     \
	SEM(name)                                                                                 \
	{                                                                                         \
		const union vsr a = VRA(cpu, insn), b = VRB(cpu, insn);                           \
		union vsr t;                                                                      \
                                                                                                  \
		for (unsigned i = 0; i < (count); i++)                                            \
			t.wide_member[i] =                                                        \
				(__typeof__(t.wide_member[0]))(carryless_product(a.member[2 * i], \
										 b.member[2 * i], \
										 bits) ^          \
							       carryless_product(                 \
								       a.member[2 * i + 1],       \
								       b.member[2 * i + 1],       \
								       bits));                    \
		VRT(cpu, insn) = t;                                                               \
		return 0;                                                                         \
	}

CARRYLESS_SUM(vpmsumb, b, 8, h, 8)
CARRYLESS_SUM(vpmsumh, h, 16, w, 4)
CARRYLESS_SUM(vpmsumw, w, 32, d, 2)

SEM(vpmsumd)
{
	const union vsr a = VRA(cpu, insn), b = VRB(cpu, insn);

	VRT(cpu, insn).q = carryless_product(a.d[0], b.d[0], 64) ^
			   carryless_product(a.d[1], b.d[1], 64);
	return 0;
}

/* ---- packed decimals: 31 digits and a sign code; all of them set CR field 6 ---- */

#define F_PS(insn)   FIELD(insn, 22, 22) /* preferred sign code of a positive result */
#define SIGN_PLUS    12
#define SIGN_MINUS   13
#define SIGN_PLUS_PS 15
#define DIGITS	     31
#define ALL_DIGITS   (((u128)1 << 4 * DIGITS) - 1)

struct decimal {
	u128 digits; /* one per nibble */
	bool negative, valid;
};

static bool digits_valid(u128 digits)
{
	for (; digits; digits >>= 4)
		if ((digits & 15) > 9)
			return false;
	return true;
}

static struct decimal unpack(u128 packed)
{
	const unsigned sign = packed & 15;

	return (struct decimal){
		.digits = packed >> 4,
		.negative = sign == 11 || sign == 13,
		.valid = sign >= 10 && digits_valid(packed >> 4),
	};
}

/* The result is undefined: the target stays. */
static int finish_invalid(struct cpu *cpu)
{
	cpu->cr[6] = CR_SO;
	return 0;
}

static void set_cr6_decimal(struct cpu *cpu, bool zero, bool negative, bool overflow)
{
	cpu->cr[6] = (uint8_t)((zero ? CR_EQ : negative ? CR_LT : CR_GT) | (overflow ? CR_SO : 0));
}

static u128 pack(uint32_t insn, u128 digits, bool negative)
{
	const unsigned plus = F_PS(insn) ? SIGN_PLUS_PS : SIGN_PLUS;

	return digits << 4 | (negative ? SIGN_MINUS : plus);
}

static int finish(struct cpu *cpu, uint32_t insn, u128 digits, bool negative)
{
	VRT(cpu, insn).q = pack(insn, digits, negative);
	set_cr6_decimal(cpu, !digits, negative, false);
	return 0;
}

/* a + b digit by digit; a carry out of digit 30 goes to bit 124. */
static u128 add_digits(u128 a, u128 b)
{
	u128 sum = 0;
	unsigned carry = 0;

	for (unsigned i = 0; i < DIGITS; i++) {
		unsigned digit = (unsigned)(a >> 4 * i & 15) + (unsigned)(b >> 4 * i & 15) + carry;

		carry = digit > 9;
		sum |= (u128)(digit - 10 * carry) << 4 * i;
	}
	return sum | (u128)carry << 4 * DIGITS;
}

/* a - b, where a >= b. */
static u128 subtract_digits(u128 a, u128 b)
{
	u128 difference = 0;
	int borrow = 0;

	for (unsigned i = 0; i < DIGITS; i++) {
		int digit = (int)(a >> 4 * i & 15) - (int)(b >> 4 * i & 15) - borrow;

		borrow = digit < 0;
		difference |= (u128)(digit + 10 * borrow) << 4 * i;
	}
	return difference;
}

static int add_decimals(struct cpu *cpu, uint32_t insn, struct decimal a, struct decimal b)
{
	if (!a.valid || !b.valid)
		return finish_invalid(cpu);
	if (a.negative == b.negative) {
		u128 sum = add_digits(a.digits, b.digits);
		bool overflow = sum > ALL_DIGITS;

		VRT(cpu, insn).q = pack(insn, sum & ALL_DIGITS, a.negative && sum);
		/* The flags describe the result before its high digit was cut off. */
		set_cr6_decimal(cpu, !sum, a.negative, overflow);
		return 0;
	}
	if (a.digits >= b.digits) {
		u128 difference = subtract_digits(a.digits, b.digits);

		return finish(cpu, insn, difference, a.negative && difference);
	}
	return finish(cpu, insn, subtract_digits(b.digits, a.digits), b.negative);
}

SEM(bcdadd)
{
	return add_decimals(cpu, insn, unpack(VRA(cpu, insn).q), unpack(VRB(cpu, insn).q));
}

SEM(bcdsub)
{
	struct decimal b = unpack(VRB(cpu, insn).q);

	b.negative = !b.negative;
	return add_decimals(cpu, insn, unpack(VRA(cpu, insn).q), b);
}

/* National: eight halfwords, seven digits and a sign, in UTF-16. */
#define NATIONAL_DIGITS 7

SEM(bcdcfn)
{
	const union vsr b = VRB(cpu, insn);
	const unsigned sign = VSR_H(b, 7);
	u128 digits = 0;

	if (sign != '+' && sign != '-')
		return finish_invalid(cpu);
	for (unsigned i = 0; i < NATIONAL_DIGITS; i++) {
		if (VSR_H(b, i) < '0' || VSR_H(b, i) > '9')
			return finish_invalid(cpu);
		digits = digits << 4 | (VSR_H(b, i) - '0');
	}
	return finish(cpu, insn, digits, sign == '-');
}

SEM(bcdctn)
{
	const struct decimal b = unpack(VRB(cpu, insn).q);
	union vsr t;

	if (!b.valid)
		return finish_invalid(cpu);
	for (unsigned i = 0; i < NATIONAL_DIGITS; i++)
		VSR_H(t, i) = (uint16_t)('0' + (b.digits >> 4 * (NATIONAL_DIGITS - 1 - i) & 15));
	VSR_H(t, 7) = b.negative ? '-' : '+';
	VRT(cpu, insn) = t;
	set_cr6_decimal(cpu, !b.digits, b.negative, b.digits >> 4 * NATIONAL_DIGITS != 0);
	return 0;
}

/*
 * Zoned: sixteen bytes, each with a digit in its right half. The last byte's left half is the sign.
 */
#define ZONED_DIGITS 16

SEM(bcdcfz)
{
	const union vsr b = VRB(cpu, insn);
	const unsigned zone = F_PS(insn) ? 15 : 3, sign = VSR_B(b, 15) >> 4;
	const bool negative = F_PS(insn) ? sign == 11 || sign == 13 : sign & 4;
	u128 digits = 0;

	if (F_PS(insn) && sign < 10)
		return finish_invalid(cpu);
	for (unsigned i = 0; i < ZONED_DIGITS; i++) {
		unsigned digit = VSR_B(b, i) & 15;

		if (digit > 9 || (i < 15 && VSR_B(b, i) >> 4 != zone))
			return finish_invalid(cpu);
		digits = digits << 4 | digit;
	}
	VRT(cpu, insn).q = digits << 4 | (negative ? SIGN_MINUS : SIGN_PLUS);
	set_cr6_decimal(cpu, !digits, negative, false);
	return 0;
}

SEM(bcdctz)
{
	const struct decimal b = unpack(VRB(cpu, insn).q);
	const unsigned zone = F_PS(insn) ? 0xf0 : 0x30;
	const unsigned plus = F_PS(insn) ? 0xc0 : 0x30, minus = F_PS(insn) ? 0xd0 : 0x70;
	union vsr t;

	if (!b.valid)
		return finish_invalid(cpu);
	for (unsigned i = 0; i < ZONED_DIGITS; i++)
		VSR_B(t, i) = (uint8_t)(zone | (b.digits >> 4 * (ZONED_DIGITS - 1 - i) & 15));
	VSR_B(t, 15) = (uint8_t)((b.negative ? minus : plus) | (b.digits & 15));
	VRT(cpu, insn) = t;
	set_cr6_decimal(cpu, !b.digits, b.negative, b.digits >> 4 * ZONED_DIGITS != 0);
	return 0;
}

SEM(bcdcfsq)
{
	const u128 b = VRB(cpu, insn).q;
	const bool negative = b >> 127;
	u128 rest = negative ? -b : b, digits = 0;

	for (unsigned i = 0; i < DIGITS; i++, rest /= 10)
		digits |= (rest % 10) << 4 * i;
	VRT(cpu, insn).q = pack(insn, digits, negative);
	set_cr6_decimal(cpu, !b, negative, rest != 0);
	return 0;
}

SEM(bcdctsq)
{
	const struct decimal b = unpack(VRB(cpu, insn).q);
	u128 v = 0;

	if (!b.valid)
		return finish_invalid(cpu);
	for (unsigned i = DIGITS; i--;)
		v = v * 10 + (b.digits >> 4 * i & 15);
	VRT(cpu, insn).q = b.negative ? -v : v;
	set_cr6_decimal(cpu, !v, b.negative, false);
	return 0;
}

SEM(bcdcpsgn)
{
	const struct decimal a = unpack(VRA(cpu, insn).q), b = unpack(VRB(cpu, insn).q);

	if (!a.valid || !b.valid)
		return finish_invalid(cpu);
	VRT(cpu, insn).q = a.digits << 4 | (VRB(cpu, insn).q & 15);
	set_cr6_decimal(cpu, !a.digits, b.negative, false);
	return 0;
}

SEM(bcdsetsgn)
{
	const struct decimal b = unpack(VRB(cpu, insn).q);

	return b.valid ? finish(cpu, insn, b.digits, b.negative) : finish_invalid(cpu);
}

/*
 * Shifts and truncations: the flags compare the source, not the result, with zero.
 *
 * shift_digits() shifts by the signed count in byte 7 of VRA, to the left if positive.
 */
static u128 shift_digits(u128 digits, int count, unsigned width, bool *lost)
{
	const u128 all = width == 32 ? ~(u128)0 : ALL_DIGITS;
	const unsigned n = (unsigned)(count < 0 ? -count : count);

	*lost = false;
	if (n >= width) {
		*lost = count > 0 && digits;
		return 0;
	}
	if (count <= 0)
		return digits >> 4 * n;
	*lost = digits >> 4 * (width - n);
	return digits << 4 * n & all;
}

SEM(bcds)
{
	const struct decimal b = unpack(VRB(cpu, insn).q);
	bool lost;
	u128 digits;

	if (!b.valid)
		return finish_invalid(cpu);
	digits = shift_digits(b.digits, VSR_SB(VRA(cpu, insn), 7), DIGITS, &lost);
	VRT(cpu, insn).q = pack(insn, digits, b.negative);
	set_cr6_decimal(cpu, !b.digits, b.negative, lost);
	return 0;
}

SEM(bcdus)
{
	const u128 b = VRB(cpu, insn).q;
	bool lost;

	if (!digits_valid(b))
		return finish_invalid(cpu);
	VRT(cpu, insn).q = shift_digits(b, VSR_SB(VRA(cpu, insn), 7), 32, &lost);
	set_cr6_decimal(cpu, !b, false, lost);
	return 0;
}

/* Like bcds, but a right shift rounds half away from zero. */
SEM(bcdsr)
{
	const struct decimal b = unpack(VRB(cpu, insn).q);
	const int wanted = VSR_SB(VRA(cpu, insn), 7), count = wanted < -DIGITS ? -DIGITS : wanted;
	bool lost;
	u128 digits;

	if (!b.valid)
		return finish_invalid(cpu);
	digits = shift_digits(b.digits, count, DIGITS, &lost);
	if (count < 0 && (b.digits >> 4 * (-count - 1) & 15) >= 5)
		digits = add_digits(digits, 1);
	VRT(cpu, insn).q = pack(insn, digits, b.negative);
	set_cr6_decimal(cpu, !b.digits, b.negative, lost);
	return 0;
}

/* Keep the rightmost digits; halfword 3 of VRA gives their number. */
SEM(bcdtrunc)
{
	const struct decimal b = unpack(VRB(cpu, insn).q);
	const unsigned length = VSR_H(VRA(cpu, insn), 3);
	u128 kept;

	if (!b.valid)
		return finish_invalid(cpu);
	kept = length >= DIGITS ? b.digits : b.digits & (((u128)1 << 4 * length) - 1);
	VRT(cpu, insn).q = pack(insn, kept, b.negative);
	set_cr6_decimal(cpu, !b.digits, b.negative, kept != b.digits);
	return 0;
}

SEM(bcdutrunc)
{
	const u128 b = VRB(cpu, insn).q;
	const unsigned length = VSR_H(VRA(cpu, insn), 3);
	u128 kept;

	if (!digits_valid(b))
		return finish_invalid(cpu);
	kept = length >= 32 ? b : b & (((u128)1 << 4 * length) - 1);
	VRT(cpu, insn).q = kept;
	set_cr6_decimal(cpu, !b, false, kept != b);
	return 0;
}

/* ---- decimal assist: packed decimals in GPRs, Power ISA 3.0B section 3.3.15 ---- */

SEM(addg6s)
{
	const uint64_t a = cpu->gpr[F_RA(insn)], b = cpu->gpr[F_RB(insn)];
	const uint64_t carries = (a & b) | ((a | b) & ~(a + b));

	cpu->gpr[F_RT(insn)] = (~carries >> 3 & 0x1111111111111111ull) * 6;
	return 0;
}

/* Each word has two declets in bits 12:31, or six digits in bits 8:31. */
SEM(cdtbcd)
{
	const uint64_t s = cpu->gpr[F_RT(insn)];
	uint64_t t = 0;

	for (unsigned word = 0; word < 64; word += 32)
		for (unsigned i = 0; i < 2; i++)
			t |= (uint64_t)declet_to_bcd(s >> (word + 10 * i) & 0x3ff)
			     << (word + 12 * i);
	cpu->gpr[F_RA(insn)] = t;
	return 0;
}

SEM(cbcdtd)
{
	const uint64_t s = cpu->gpr[F_RT(insn)];
	uint64_t t = 0;

	for (unsigned word = 0; word < 64; word += 32)
		for (unsigned i = 0; i < 2; i++)
			t |= (uint64_t)bcd_to_declet(s >> (word + 12 * i) & 0xfff)
			     << (word + 10 * i);
	cpu->gpr[F_RA(insn)] = t;
	return 0;
}
