/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random words of a table entry with a suitable state: registers mix plain random numbers with
 * values that break arithmetic, and a storage access goes to the memory of the case.
 */
#include <string.h>

#include "../fakes/random.h"
#include "generate.h"

#define FPSCR_VX     0x20000000u
#define FPSCR_VE     0x80u
#define FPSCR_VX_ANY 0x01f80700u

#define F_RT(w) ((w) >> 21 & 31)
#define F_RA(w) ((w) >> 16 & 31)
#define F_RB(w) ((w) >> 11 & 31)

/* Of an instruction of two words: the address is relative to its own. */
#define PREFIX_R (1ull << 52)

static uint64_t sequence;

static uint64_t draw(void)
{
	return splitmix64(&sequence);
}

static uint64_t below(uint64_t n)
{
	return draw() % n;
}

#define PICK(array) (array)[below(sizeof(array) / sizeof((array)[0]))]

void generate_seed(uint64_t seed, const char *name)
{
	sequence = seed;
	while (*name)
		sequence = (sequence ^ (uint8_t)*name++) * 0x100000001b3ull;
}

static uint64_t special_integer(unsigned bits)
{
	uint64_t top = 1ull << (bits - 1);
	const uint64_t values[] = { 0,	     1,	    2,	   top,		top - 1,
				    top + 1, ~0ull, ~1ull, below(bits), below(256) };

	return PICK(values) & (top | (top - 1));
}

static uint64_t special_double(void)
{
	static const uint64_t values[] = {
		0,
		0x7ff0000000000000ull, /* infinity */
		0x7ff8000000000000ull,
		0x7ff4000000000001ull, /* quiet and signalling NaN */
		0x7ff0000000000001ull,
		0x0000000000000001ull, /* the smallest denormal */
		0x000fffffffffffffull,
		0x0010000000000000ull, /* around the smallest normal */
		0x7fefffffffffffffull,
		0x3ff0000000000000ull, /* the largest, 1 */
		0x4330000000000000ull,
		0x41dfffffffc00000ull, /* 2^52, 2^31 - 1 */
		0x41e0000000000000ull,
		0x43e0000000000000ull, /* 2^31, 2^63 */
		0x41efffffffe00000ull,
		0x43f0000000000000ull, /* 2^32 - 1, 2^64 */
		0x380fffffffffffffull,
		0x36a0000000000000ull, /* around the smallest single */
		0x369fffffffffffffull,
		0x47efffffe0000000ull, /* and the largest */
		0x47effffff0000000ull,
		0x3fe0000000000000ull, /* 0.5 */
		0x3ff8000000000000ull,
		0x4004000000000000ull, /* 1.5, 2.5 */
		0x3fdfffffffffffffull,
		0x8007ffffffffffffull,
	};

	switch (below(4)) {
	case 0: /* of ordinary size */
		return (draw() & 0x800fffffffffffffull) | (1023 - 40 + below(80)) << 52;
	case 1: /* with a short fraction */
		return (draw() & 0x800ff00000000000ull) | (1023 - 8 + below(16)) << 52;
	default:
		return PICK(values) | (draw() & 1ull << 63);
	}
}

static uint32_t special_single(void)
{
	static const uint32_t values[] = {
		0,	    0x7f800000, 0x7fc00000, 0x7fa00001, 0x7f800001, 0x00000001,
		0x007fffff, 0x00800000, 0x7f7fffff, 0x3f800000, 0x4b000000, 0x4f000000,
		0x4effffff, 0x4f800000, 0x3f000000, 0x3fc00000, 0x40200000, 0x3effffff,
		0x80400000, 0x4b7fffff, 0x00400000, 0x7e800000, 0x7e000000,
	};

	switch (below(4)) {
	case 0:
		return (uint32_t)((draw() & 0x807fffff) | (127 - 20 + below(40)) << 23);
	case 1:
		return (uint32_t)((draw() & 0x807f0000) | (127 - 5 + below(10)) << 23);
	default:
		return (uint32_t)(PICK(values) | (draw() & 0x80000000));
	}
}

/* Halves of this many bits of fraction: an infinity, NaNs, numbers at the limits, others. */
static uint16_t special_half(unsigned fraction_bits)
{
	const unsigned one = 1u << fraction_bits, infinity = 0x8000u - one;
	const unsigned values[] = { 0,	     infinity, infinity | one / 2, infinity | 1, 1,
				    one - 1, one,      infinity - 1,	   infinity / 2, 0x3f80,
				    0x3c00 };

	if (below(2))
		return (uint16_t)draw();
	return (uint16_t)(PICK(values) | (draw() & 0x8000));
}

/* One of bfloat16 is the left half of a single. */
static unsigned fraction_bits_of_halves(const char *name)
{
	return strstr(name, "xvbf16") ? 7 : strstr(name, "xvf16") ? 10 : 0;
}

static uint64_t doubleword_of_halves(unsigned fraction_bits)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < 4; i++)
		v = v << 16 | special_half(fraction_bits);
	return v;
}

static uint64_t doubleword(bool floating)
{
	switch (below(floating ? 10 : 6)) {
	case 0:
		return draw();
	case 1:
		return special_integer(64);
	case 2:
		return special_integer(32) << 32 | special_integer(32);
	case 3:
		return special_integer(16) << 48 | special_integer(16) << 32 |
		       special_integer(16) << 16 | special_integer(16);
	case 4: {
		uint64_t v = 0;

		for (unsigned i = 0; i < 8; i++)
			v = v << 8 | special_integer(8);
		return v;
	}
	case 5:
	case 6:
	case 7:
		return (uint64_t)special_single() << 32 | special_single();
	default:
		return special_double();
	}
}

static uint64_t packed_decimal(bool low)
{
	uint64_t v = 0;
	unsigned zeros = (unsigned)below(20);

	for (unsigned i = 0; i < 16; i++)
		v = v << 4 | (i < zeros ? 0 : below(4) ? below(10) : 9);
	return low ? (v & ~15ull) | (below(16) ? 10 + below(6) : below(16)) : v;
}

/* A decimal in the format that the instruction reads, or at times in another one. */
static void decimal_vector(uint64_t v[2], const char *name)
{
	const bool zoned = !strcmp(name, "bcdcfz"), national = !strcmp(name, "bcdcfn");
	const bool is_unsigned = !strcmp(name, "bcdus") || !strcmp(name, "bcdutrunc");

	v[1] = below(3) ? packed_decimal(false) : 0;
	v[0] = packed_decimal(!(zoned || is_unsigned) || !below(8));
	if (zoned && below(8)) {
		uint64_t zones = below(2) ? 0x3030303030303030 : 0xf0f0f0f0f0f0f0f0;

		v[0] = (v[0] & 0x0f0f0f0f0f0f0f0f) | zones;
		v[1] = (v[1] & 0x0f0f0f0f0f0f0f0f) | zones;
		v[0] ^= below(4) ? below(16) << 4 : 0;
	} else if (national && below(8)) {
		v[1] = (v[1] & 0x0007000700070007) | 0x0030003000300030;
		v[0] = (v[0] & 0x0007000700070000) | 0x0030003000300000 | (0x2b + (below(2) << 1));
	} else if (!strcmp(name, "bcdcfsq") && below(4)) {
		v[0] = draw() >> below(64);
		v[1] = below(2) ? 0 : below(1ull << 40);
		if (below(2)) {
			v[0] = ~v[0];
			v[1] = ~v[1];
		}
	}
}

static void vector(uint64_t v[2], bool floating, const char *decimal)
{
	if (decimal && below(4)) {
		decimal_vector(v, decimal);
		return;
	}
	v[0] = doubleword(floating);
	v[1] = below(4) ? doubleword(floating) : v[0];
}

static uint64_t general(void)
{
	switch (below(5)) {
	case 0:
	case 1:
		return draw();
	case 2:
		return special_integer(64);
	case 3:
		return (uint64_t)(int64_t)(int32_t)special_integer(32);
	default:
		return below(3) ? below(128) : (uint32_t)draw();
	}
}

static bool one_of(const char *name, const char *const *names)
{
	for (; *names; names++)
		if (!strcmp(name, *names))
			return true;
	return false;
}

enum form {
	FORM_NONE,
	FORM_INDEXED,
	FORM_RA,
	FORM_D,
	FORM_DS,
	FORM_DQ,
	FORM_PREFIXED
};

static enum form form_of(const struct table_entry *entry)
{
	static const char *const ra_only[] = { "lxvl", "lxvll", "stxvl", "stxvll", "lswi", "stswi",
					       "lwat", "ldat",	"stwat", "stdat",  NULL };
	static const char *const dcb[] = {
		"dcbz", "icbi", "dcbf", "dcbst", "dcbt", "dcbtst", NULL
	};

	if (entry->prefix_mask)
		return starts_with(entry->name, "pl") || starts_with(entry->name, "pst") ?
			       FORM_PREFIXED :
			       FORM_NONE;
	switch (entry->value >> 26) {
	case 31:
		if (one_of(entry->name, ra_only))
			return FORM_RA;
		return entry->name[0] == 'l' || starts_with(entry->name, "st") ||
				       one_of(entry->name, dcb) ?
			       FORM_INDEXED :
			       FORM_NONE;
	case 61:
		if ((entry->mask & entry->value & 3) == 1)
			return FORM_DQ;
		/* fall through */
	case 57:
	case 58:
	case 62:
		return FORM_DS;
	case 6:
	case 56:
		return FORM_DQ;
	default:
		return entry->value >> 26 >= 32 && entry->value >> 26 <= 55 ? FORM_D : FORM_NONE;
	}
}

bool accesses_memory(const struct table_entry *entry)
{
	return form_of(entry) != FORM_NONE;
}

/* The immediate of a prefixed instruction: 18 bits of the prefix and 16 of the suffix. */
static int64_t immediate_of(uint64_t insn)
{
	return (int64_t)(insn >> 32 << 46 | (insn & 0xffff) << 30) >> 30;
}

static uint64_t with_immediate(uint64_t insn, int64_t immediate)
{
	return (insn & ~0x0003ffff0000ffffull) | ((uint64_t)immediate & 0xffff) |
	       ((uint64_t)immediate >> 16 & 0x3ffff) << 32;
}

static int64_t displacement_of(uint64_t w, enum form form)
{
	if (form == FORM_PREFIXED)
		return immediate_of(w);
	return (int16_t)(w & (form == FORM_DQ ? 0xfff0 : form == FORM_DS ? 0xfffc : 0xffff));
}

/* Let the effective address fall into the memory of the case, most times aligned. */
static void aim(struct isa_case *c, enum form form, bool keep_aligned)
{
	unsigned ra = F_RA(c->insn), rb = F_RB(c->insn);
	uint64_t ea = CASE_MEMORY + 64 + below(64);
	int64_t displacement = displacement_of(c->insn, form);

	if (keep_aligned || below(2))
		ea &= ~15ull;
	switch (form) {
	case FORM_INDEXED:
		if (ra == rb && ra)
			c->gpr[ra] = ea / 2;
		else if (ra)
			c->gpr[ra] = ea - c->gpr[rb];
		else
			c->gpr[rb] = ea;
		break;
	case FORM_RA:
		c->gpr[ra] = ea;
		if (rb != ra && below(4))
			c->gpr[rb] = below(20) << 56 | (c->gpr[rb] & 0xffffffffffffffull);
		break;
	default:
		if (form == FORM_PREFIXED && c->insn & PREFIX_R)
			c->insn = with_immediate(c->insn, (int64_t)(ea - c->address));
		else
			c->gpr[ra] = ea - (uint64_t)displacement;
	}
}

/* Does the access write its address back to RA? */
static bool updates(const struct table_entry *entry)
{
	const size_t length = strlen(entry->name);

	return form_of(entry) != FORM_NONE && length > 2 &&
	       (entry->name[length - 1] == 'u' || !strcmp(entry->name + length - 2, "ux"));
}

static uint32_t with_field(uint32_t w, unsigned shift, uint32_t value)
{
	return (w & ~(31u << shift)) | value << shift;
}

#define RT_SHIFT 21
#define RA_SHIFT 16
#define RB_SHIFT 11

/*
 * Branch conditions without hints and without the bits that must be 0; CTR can't be target and
 * counter.
 */
static uint32_t branch_condition(uint32_t w, bool to_ctr)
{
	static const uint8_t bo[] = { 4, 12, 20, 0, 2, 8, 10, 16, 18 };

	return with_field(w, RT_SHIFT, bo[below(to_ctr ? 3 : sizeof(bo))]);
}

/*
 * Would a load of several registers overwrite its address? For strings this is fine: all sides
 * refuse it.
 */
static bool loads_over_address(const char *name, uint32_t w)
{
	if (!strcmp(name, "lq") || !strcmp(name, "plq"))
		return F_RA(w) == F_RT(w);
	if (!strcmp(name, "lqarx"))
		return F_RA(w) == F_RT(w) || F_RB(w) == F_RT(w);
	if (!strcmp(name, "lmw"))
		return F_RA(w) >= F_RT(w);
	return false;
}

/* An outer product: its accumulator has four of the first 32 registers, and no operand is there. */
static bool of_accumulator(const struct table_entry *entry)
{
	return strstr(entry->name, "xv") && strstr(entry->name, "ger");
}

static uint32_t apart_from_accumulator(uint32_t w)
{
	const uint32_t ax = 4, bx = 2, at = w >> 23 & 7;

	if (F_RA(w) / 4 == at)
		w |= ax;
	if (F_RB(w) / 4 == at)
		w |= bx;
	return w;
}

/* Valid forms only, and addresses that may lie above 32 KiB. */
static uint32_t valid(const struct table_entry *entry, uint32_t w)
{
	const enum form form = form_of(entry);
	const char *name = entry->name;

	while ((form != FORM_NONE && form != FORM_INDEXED && !F_RA(w)) ||
	       (updates(entry) && (!F_RA(w) || F_RA(w) == F_RT(w))) ||
	       loads_over_address(name, w)) {
		w = with_field(w, RA_SHIFT, (uint32_t)below(32));
		if (!strcmp(name, "lmw"))
			w = with_field(w, RT_SHIFT, (uint32_t)below(32));
		else if (loads_over_address(name, w) && form == FORM_INDEXED)
			w = with_field(w, RB_SHIFT, (uint32_t)below(32));
	}
	if ((!strcmp(name, "mfcr") || !strcmp(name, "mtcrf")) && w & 0x00100000)
		w = (w & ~0x000ff000u) | 0x1000u << below(8); /* mfocrf and mtocrf: one field */
	else if (!strcmp(name, "mfcr"))
		w &= ~0x000ff000u;
	if (!strcmp(name, "vgnb"))
		w = with_field(w, RA_SHIFT, 2 + (uint32_t)below(6));
	if (!strcmp(name, "lxvkq"))
		w = with_field(w, RB_SHIFT,
			       below(2) ? 1 + (uint32_t)below(9) : 16 + (uint32_t)below(9));
	if (!strcmp(name, "bc") || !strcmp(name, "bclr") || !strcmp(name, "bcctr") ||
	    !strcmp(name, "bctar"))
		w = branch_condition(w, !strcmp(name, "bcctr"));
	if (of_accumulator(entry))
		w = apart_from_accumulator(w);
	return w;
}

static uint32_t word(const struct table_entry *entry, uint32_t reserved)
{
	const uint32_t rt = 0x03e00000, ra = 0x001f0000, rb = 0x0000f800;
	uint32_t open = ~entry->mask & ~reserved;
	uint32_t w = (uint32_t)draw();

	switch (below(8)) { /* operands that share a register */
	case 0:
		if ((open & (rt | ra)) == (rt | ra))
			w = (w & ~rt) | (w & ra) << 5;
		break;
	case 1:
		if ((open & (rt | rb)) == (rt | rb))
			w = (w & ~rt) | (w & rb) << 10;
		break;
	case 2:
		if ((open & (ra | rb)) == (ra | rb))
			w = (w & ~ra) | (w & rb) << 5;
		break;
	default:
		break;
	}
	return valid(entry, entry->value | (w & open));
}

/* Masks of products, rows and columns. */
static uint32_t masks_of_prefix(const char *name)
{
	static const struct {
		const char *stem;
		uint32_t masks;
	} kinds[] = {
		{ "pmxvi4", 0xffff },	{ "pmxvi8", 0xf0ff },  { "pmxvi16", 0xc0ff },
		{ "pmxvbf16", 0xc0ff }, { "pmxvf16", 0xc0ff }, { "pmxvf32", 0x00ff },
		{ "pmxvf64", 0x00fc },
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (starts_with(name, kinds[i].stem))
			return kinds[i].masks;
	return 0;
}

/* What a prefix may have: a displacement and perhaps R, or an operand. */
static uint32_t open_bits_of_prefix(const struct table_entry *entry)
{
	if (starts_with(entry->name, "pm"))
		return masks_of_prefix(entry->name);
	if (starts_with(entry->name, "xxsplti"))
		return 0xffff;
	if (!strcmp(entry->name, "xxeval"))
		return 0xff;
	if (!strcmp(entry->name, "xxpermx"))
		return 7;
	return starts_with(entry->name, "xx") || !strcmp(entry->name, "pnop") ? 0 : 0x3ffff;
}

/* Both words. @relative: may R be set? */
static uint64_t both_words(const struct table_entry *entry, uint32_t suffix, bool relative)
{
	const uint32_t prefix = entry->prefix_value |
				(uint32_t)(draw() & open_bits_of_prefix(entry));
	uint64_t insn;

	if (!strcmp(entry->name, "pnop")) /* not every suffix is one */
		suffix = 24u << 26 | (suffix & 0x03ffffff);
	insn = (uint64_t)prefix << 32 | suffix;
	if (relative && open_bits_of_prefix(entry) == 0x3ffff && !below(3))
		insn = (insn & ~0x001f0000ull) | PREFIX_R;
	return insn;
}

static bool needs_alignment(const char *name)
{
	return strstr(name, "arx") || strstr(name, "cx") || strstr(name, "at") ||
	       !strcmp(name, "lq") || !strcmp(name, "stq") || !strcmp(name, "plq") ||
	       !strcmp(name, "pstq");
}

/* A taken branch skips one word. Moves from and to SPRs use the SPRs of the case. */
static void steer(struct isa_case *c, const char *name)
{
	static const uint32_t sprs[] = { 1 << 16, 8 << 16, 9 << 16,
					 0x100 >> 5 << 11 }; /* XER, LR, CTR, VRSAVE */
	const uint64_t taken = c->address + 8;

	if (!strcmp(name, "b"))
		c->insn = (c->insn & ~0x03fffffeull) | 8;
	else if (!strcmp(name, "bc"))
		c->insn = (c->insn & ~0xfffeull) | 8;
	else if (!strcmp(name, "bclr"))
		c->lr = taken | below(4);
	else if (!strcmp(name, "bcctr"))
		c->ctr = taken | below(4);
	else if (!strcmp(name, "mfspr") || !strcmp(name, "mtspr"))
		c->insn = (c->insn & ~0x1ff800ull) | PICK(sprs);
}

bool defers_interrupt(const struct table_entry *entry)
{
	return starts_with(entry->name, "xvcmp");
}

void generate(struct isa_case *c, const struct table_entry *entry, uint32_t reserved,
	      uint64_t address)
{
	const unsigned halves = fraction_bits_of_halves(entry->name);
	bool floating = strchr("fx", entry->name[0]) || strstr(entry->name, "fp") ||
			starts_with(entry->name, "pmx");
	bool decimal = starts_with(entry->name, "bcd") || strstr(entry->name, "mul10");
	enum form form = form_of(entry);

	memset(c, 0, sizeof(*c));
	c->address = address;
	c->insn = word(entry, reserved);
	if (entry->prefix_mask)
		c->insn = both_words(entry, (uint32_t)c->insn, true);
	for (unsigned i = 0; i < 32; i++)
		c->gpr[i] = general();
	if (strstr(entry->name, "bcd") || !strcmp(entry->name, "addg6s"))
		for (unsigned i = 0; i < 32; i += 1 + below(2))
			c->gpr[i] = packed_decimal(false);
	for (unsigned i = 0; i < 64; i++)
		vector(c->vsr[i], floating, decimal ? entry->name : NULL);
	for (unsigned i = 0; halves && i < 64; i += 1 + (unsigned)below(2))
		for (unsigned j = 0; j < 2; j++)
			c->vsr[i][j] = doubleword_of_halves(halves);
	if (decimal && below(4)) { /* a count of digits */
		uint64_t *count = &c->vsr[32 + F_RA(c->insn)][1];

		*count = (*count & ~0xffffull) | ((below(2) ? below(36) : -below(36)) & 0xffff);
	}
	c->cr = (uint32_t)draw();
	c->xer = (draw() & 0xe00c0000) | below(33);
	/* Sticky bits, rounding mode and NI. */
	c->fpscr = below(4) | (below(2) ? 0 : draw() & 0x9ffff700);
	if (c->fpscr & FPSCR_VX_ANY)
		c->fpscr |= FPSCR_VX;
	if (!below(4)) /* enable exceptions that have not occurred yet */
		c->fpscr |= draw() & 0xf8 & ~(c->fpscr >> 22);
	if (defers_interrupt(entry))
		c->fpscr &= ~(uint64_t)FPSCR_VE;
	c->vscr[0] = (draw() & 1) | (below(4) ? 0 : 0x10000);
	c->lr = draw();
	c->ctr = below(2) ? draw() : below(3);
	c->vrsave = (uint32_t)draw();
	if (generates_decimal(entry))
		generate_decimals(c, entry);
	steer(c, entry->name);
	for (unsigned i = 0; i < CASE_MEMORY_BYTES; i += 8) {
		uint64_t v = doubleword(floating);

		memcpy(c->memory + i, &v, 8);
	}
	if (form != FORM_NONE)
		aim(c, form, needs_alignment(entry->name));
	if (entry->prefix_mask)
		c->words[c->nr_words++] = c->insn >> 32;
	c->words[c->nr_words++] = (uint32_t)c->insn;
}

uint64_t generate_below(uint64_t n)
{
	return below(n);
}

#define D_FORM(opcode, rt, ra, immediate) \
	((uint32_t)(opcode) << 26 | (rt) << 21 | (ra) << 16 | ((uint32_t)(immediate)&0xffff))

/* lis and ori: a register gets an address. Returns the number of words. */
static unsigned load_address(uint32_t *words, unsigned r, uint64_t address)
{
	words[0] = D_FORM(15, r, 0, address >> 16);
	words[1] = D_FORM(24, r, r, address);
	return 2;
}

unsigned generate_step(uint32_t words[GENERATE_STEP_WORDS], const struct table_entry *entry,
		       uint32_t reserved)
{
	const enum form form = form_of(entry);
	uint64_t ea = CASE_MEMORY + 64 + below(64);
	struct isa_case c = { .address = 0 };
	unsigned ra, rb, n = 0;

	do {
		c.insn = word(entry, reserved);
		if (entry->prefix_mask)
			c.insn = both_words(entry, (uint32_t)c.insn, false);
		ra = F_RA(c.insn);
		rb = F_RB(c.insn);
	} while (form == FORM_INDEXED && ra == rb);
	steer(&c, entry->name);
	if (needs_alignment(entry->name) || below(2))
		ea &= ~15ull;
	if (form == FORM_INDEXED && !ra) {
		n = load_address(words, rb, ea);
	} else if (form == FORM_INDEXED) {
		const int64_t index = (int16_t)draw();

		words[n++] = D_FORM(14, rb, 0, index);
		n += load_address(words + n, ra, ea - (uint64_t)index);
	} else if (form == FORM_RA) {
		n = load_address(words, ra, ea);
	} else if (form != FORM_NONE) {
		n = load_address(words, ra, ea - (uint64_t)displacement_of(c.insn, form));
	}
	if (entry->prefix_mask)
		words[n++] = (uint32_t)(c.insn >> 32);
	words[n++] = (uint32_t)c.insn;
	return n;
}
