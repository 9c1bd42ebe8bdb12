/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Operands of decimal floating-point instructions: numbers whose exponents are near each other or
 * at the ends of the range, with few digits or many, ties, NaNs and infinities, not all canonical.
 */
#include <string.h>

#include "generate.h"

#define COMBINATION_INFINITE 30
#define COMBINATION_NAN	     31

struct format {
	unsigned declets, exponent_bits, bias;
};
static const struct format short_format = { 2, 6, 101 }, long_format = { 5, 8, 398 },
			   quad_format = { 11, 12, 6176 };

bool generates_decimal(const struct table_entry *entry)
{
	return entry->name[0] == 'd' && (entry->value >> 26 == 59 || entry->value >> 26 == 63);
}

static unsigned __int128 declets(const struct format *format)
{
	const unsigned zeros =
		(unsigned)generate_below(3) ? 0 : (unsigned)generate_below(format->declets + 1);
	const unsigned end = (unsigned)generate_below(format->declets + 1);
	const bool nines = !generate_below(4), tie = !generate_below(4);
	unsigned __int128 v = 0;

	for (unsigned i = zeros; i < end; i++) {
		unsigned d = nines ? 0x0ff : (unsigned)generate_below(1024);

		if (tie && i == zeros)
			d = 0x280; /* 500 */
		v |= (unsigned __int128)d << 10 * i;
	}
	return v;
}

static unsigned biased_exponent(const struct format *format, unsigned base)
{
	const unsigned end = 3u << format->exponent_bits;
	unsigned e;

	switch (generate_below(8)) {
	case 0:
		return (unsigned)generate_below(end);
	case 1:
		return (unsigned)generate_below(20);
	case 2:
		return end - 1 - (unsigned)generate_below(20);
	case 3: /* near the ends of the short and the long format */
		e = format->bias + (generate_below(2) ? 100 : 380) + (unsigned)generate_below(24);
		if (generate_below(2))
			e = 2 * format->bias - e;
		return e < end ? e : 0;
	default:
		e = base + (unsigned)generate_below(generate_below(2) ? 8 : 60);
		return e < end ? e : end - 1;
	}
}

static unsigned __int128 number(const struct format *format, unsigned base)
{
	const unsigned digit = generate_below(3) ? 0 : (unsigned)generate_below(10);
	const unsigned e = biased_exponent(format, base);
	const unsigned high = e >> format->exponent_bits;
	unsigned combination = digit < 8 ? high << 3 | digit : 24 | high << 1 | (digit & 1);
	unsigned continuation = e & ((1u << format->exponent_bits) - 1);
	const unsigned trailing = 10 * format->declets;

	if (!generate_below(10)) {
		combination = generate_below(2) ? COMBINATION_NAN : COMBINATION_INFINITE;
		continuation = (unsigned)generate_below(2) << (format->exponent_bits - 1) |
			       (generate_below(4) ? 0 : continuation >> 1);
	}
	return (unsigned __int128)generate_below(2) << (trailing + format->exponent_bits + 5) |
	       (unsigned __int128)combination << (trailing + format->exponent_bits) |
	       (unsigned __int128)continuation << trailing | declets(format);
}

static const struct format *format_read(const struct table_entry *entry)
{
	if (starts_with(entry->name, "dctdp"))
		return &short_format;
	return entry->value >> 26 == 63 && !starts_with(entry->name, "dctqpq") ? &quad_format :
										 &long_format;
}

static uint64_t packed(unsigned zeros)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < 16; i++)
		v = v << 4 | (i < zeros ? 0 : generate_below(10));
	return v;
}

/* Binary-coded decimals, most of them with a sign, which is right for half of the words. */
static void packed_registers(struct isa_case *c)
{
	for (unsigned i = 0; i < 32; i++) {
		uint64_t v = packed(generate_below(2) ? 0 : (unsigned)generate_below(17));

		if (generate_below(2))
			v = (v & ~15ull) | (9 + generate_below(7));
		if (!generate_below(8))
			v |= generate_below(16) << 4 * generate_below(16);
		c->vsr[i][1] = v;
	}
}

/* The first operand of these is a number of digits, or an exponent. */
static void plain_operand(struct isa_case *c, const struct table_entry *entry)
{
	uint64_t *v = &c->vsr[c->insn >> 16 & 31][1];

	if (starts_with(entry->name, "diex"))
		*v = generate_below(3) ? generate_below(800) :
		     generate_below(2) ? generate_below(13000) :
					 -generate_below(5);
	else if (starts_with(entry->name, "drrnd") ||
		 (starts_with(entry->name, "dtstsf") && !starts_with(entry->name, "dtstsfi")))
		*v = generate_below(40) | generate_below(4) << 6;
}

void generate_decimals(struct isa_case *c, const struct table_entry *entry)
{
	const struct format *format = format_read(entry);
	const unsigned base = generate_below(4) ?
				      format->bias - 30 + (unsigned)generate_below(60) :
				      (unsigned)generate_below(3u << format->exponent_bits);

	c->fpscr |= generate_below(8) << 32; /* DRN */
	if (starts_with(entry->name, "dcffix"))
		return;
	for (unsigned i = 0; i < 32; i += 2) {
		const unsigned __int128 a = number(format, base), b = number(format, base);

		if (!generate_below(10))
			continue;
		c->vsr[i][1] = (uint64_t)(format == &quad_format ? a >> 64 : a);
		c->vsr[i + 1][1] = (uint64_t)(format == &quad_format ? a : b);
	}
	if (starts_with(entry->name, "denbcd"))
		packed_registers(c);
	plain_operand(c, entry);
}
