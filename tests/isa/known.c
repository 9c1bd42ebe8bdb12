/* SPDX-License-Identifier: BSD-2-Clause */
/* What is not compared, and why: known.def by mnemonic, and here what depends on the operands. */
#include <string.h>

#include "known.h"

enum rule_kind { RULE_RESERVED, RULE_IGNORE_FPSCR, RULE_IGNORE_CR };

static const struct {
	enum rule_kind kind;
	const char *name;
	uint64_t bits;
} rules[] = {
#define RESERVED(name, bits) { RULE_RESERVED, #name, bits },
#define IGNORE_FPSCR(name, bits) { RULE_IGNORE_FPSCR, #name, bits },
#define IGNORE_CR(name, bits) { RULE_IGNORE_CR, #name, bits },
#define SKIP(name, reason)
#define ALIAS(name, other)
#include "known.def"
#undef RESERVED
#undef IGNORE_FPSCR
#undef IGNORE_CR
#undef SKIP
#undef ALIAS
	{ RULE_RESERVED, "", 0 },
};

static const struct {
	const char *name, *reason;
} skips[] = {
#define RESERVED(name, bits)
#define IGNORE_FPSCR(name, bits)
#define IGNORE_CR(name, bits)
#define SKIP(name, reason) { #name, reason },
#define ALIAS(name, other)
#include "known.def"
#undef RESERVED
#undef IGNORE_FPSCR
#undef IGNORE_CR
#undef SKIP
#undef ALIAS
	{ "", "" },
};

static const struct {
	const char *name, *other;
} aliases[] = {
#define RESERVED(name, bits)
#define IGNORE_FPSCR(name, bits)
#define IGNORE_CR(name, bits)
#define SKIP(name, reason)
#define ALIAS(name, other) { #name, #other },
#include "known.def"
	{ "", "" },
};

static uint64_t bits_of(enum rule_kind kind, const char *name)
{
	uint64_t bits = 0;

	for (size_t i = 0; i < sizeof(rules) / sizeof(rules[0]); i++)
		if (rules[i].kind == kind && !strcmp(rules[i].name, name))
			bits |= rules[i].bits;
	return bits;
}

uint32_t known_reserved_bits(const char *name)
{
	return (uint32_t)bits_of(RULE_RESERVED, name);
}

const char *known_skip(const char *name)
{
	for (size_t i = 0; i < sizeof(skips) / sizeof(skips[0]); i++)
		if (!strcmp(skips[i].name, name))
			return skips[i].reason;
	return NULL;
}

bool known_alias(const char *name, const char *other)
{
	for (size_t i = 0; i < sizeof(aliases) / sizeof(aliases[0]); i++)
		if (!strcmp(aliases[i].name, name) && !strcmp(aliases[i].other, other))
			return true;
	return false;
}

bool known_to_differ(const char *name, const struct isa_case *in)
{
	return false;
}

void known_hide(const char *name, const struct isa_case *in, struct isa_case *out)
{
	out->fpscr &= ~bits_of(RULE_IGNORE_FPSCR, name);
	out->cr &= ~bits_of(RULE_IGNORE_CR, name);
	known_hide_fp(name, in, out);
}
