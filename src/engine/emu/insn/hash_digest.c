/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Instructions that keep a digest of a return address beside it, and trap where it does not match.
 * Power ISA 3.1B, book I, section 3.3.17, and DEXCR, book III, chapter 9. The digest comes from a
 * cipher like SIMON with blocks of 32 and keys of 64 bits. Before 3.1 these are reserved
 * no-operations.
 */
#include "engine/emu/insn/insn.h"
#include "engine/emu/private.h"

#define ROUNDS 32

/* Aspects of DEXCR: bits of its left half for privileged code, of its right half for programs. */
#define DEXCR_PROBLEM_SHIFT 32
#define NPHIE_BIT	    5 /* hashst, hashchk */
#define PHIE_BIT	    6 /* hashstp, hashchkp */

static uint16_t rotate_left(uint16_t v, unsigned count)
{
	return (uint16_t)(v << count | v >> (16 - count));
}

static void expand_key(uint16_t keys[ROUNDS], uint64_t key)
{
	const uint64_t constants = 0xfa2561cdf44ac398; /* a bit for each new key, from the left */

	for (unsigned i = 0; i < 4; i++)
		keys[i] = (uint16_t)(key >> (48 - 16 * i));
	for (unsigned i = 4; i < ROUNDS; i++) {
		const uint16_t mixed = rotate_left(keys[i - 1], 13) ^ keys[i - 3];

		keys[i] = (uint16_t)(0xfffc ^ (constants >> (67 - i) & 1) ^ keys[i - 4] ^ mixed ^
				     rotate_left(mixed, 15));
	}
}

/* @lane: each of four rounds takes the key of another one of them */
static uint32_t encipher(uint32_t block, const uint16_t keys[ROUNDS], unsigned lane)
{
	uint16_t left = (uint16_t)block, right = (uint16_t)(block >> 16);

	for (unsigned i = 0; i < ROUNDS; i++) {
		const uint16_t mixed = (rotate_left(left, 1) & rotate_left(left, 8)) ^
				       rotate_left(left, 2);
		const uint16_t next = right ^ mixed ^ keys[(i & ~3u) | ((i + lane) & 3)];

		right = left;
		left = next;
	}
	return (uint32_t)right << 16 | left;
}

/* Bytes of the first word, from the right, alternate with those of the second, from the left. */
static uint64_t interleave(uint32_t first, uint32_t second)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < 4; i++)
		v = v << 16 | (first >> 8 * i & 0xff) << 8 | (second >> (24 - 8 * i) & 0xff);
	return v;
}

static uint64_t digest(uint64_t a, uint64_t b, uint64_t key)
{
	const uint64_t blocks[2] = { interleave((uint32_t)b, (uint32_t)(a >> 32)),
				     interleave((uint32_t)(b >> 32), (uint32_t)a) };
	uint16_t keys[ROUNDS];
	uint64_t v = 0;

	expand_key(keys, key);
	for (unsigned i = 0; i < 2; i++)
		v ^= (uint64_t)encipher((uint32_t)(blocks[i] >> 32), keys, 2 * i) << 32 |
		     encipher((uint32_t)blocks[i], keys, 2 * i + 1);
	return v;
}

static bool has_aspect(const struct cpu *cpu, unsigned bit)
{
	const unsigned shift = cpu->msr & MSR_PR ? DEXCR_PROBLEM_SHIFT : 0;

	return cpu->dexcr << (shift + bit) >> 63;
}

/* (RA) + d, for 64 doublewords in front of (RA). */
static bool address_of_digest(struct cpu *cpu, uint32_t insn, uint64_t *ea)
{
	const unsigned doubleword = (insn & 1) << 5 | F_RT(insn);

	*ea = displaced_ea(cpu, insn, (int64_t)doubleword * 8 - 512);
	if (*ea & 7)
		cpu_misaligned(cpu, *ea);
	return !(*ea & 7);
}

/* Does it do anything? Not before ISA 3.1. *@refused: else its result. */
static bool is_on(struct cpu *cpu, uint32_t insn, unsigned aspect, int *refused)
{
	*refused = 0;
	if (cpu_isa(cpu) < 310)
		return false;
	if (!F_RA(insn))
		*refused = cpu_illegal(cpu);
	else if (aspect == PHIE_BIT && cpu->msr & MSR_PR)
		*refused = cpu_raise(cpu, VECTOR_PROGRAM, SRR1_PRIVILEGED);
	return !*refused && has_aspect(cpu, aspect);
}

static int store_digest(struct cpu *cpu, uint32_t insn, unsigned aspect, uint64_t key)
{
	uint64_t ea, v;
	int refused;

	if (!is_on(cpu, insn, aspect, &refused))
		return refused;
	v = digest(cpu->gpr[F_RA(insn)], cpu->gpr[F_RB(insn)], key);
	return address_of_digest(cpu, insn, &ea) && cpu_store64(cpu, ea, v) ? 0 : EXCEPTION;
}

static int check_digest(struct cpu *cpu, uint32_t insn, unsigned aspect, uint64_t key)
{
	uint64_t ea, v;
	int refused;

	if (!is_on(cpu, insn, aspect, &refused))
		return refused;
	if (!address_of_digest(cpu, insn, &ea) || !cpu_load64(cpu, ea, &v))
		return EXCEPTION;
	if (v != digest(cpu->gpr[F_RA(insn)], cpu->gpr[F_RB(insn)], key))
		return cpu_raise(cpu, VECTOR_PROGRAM, SRR1_TRAP);
	return 0;
}

SEM(hashst)
{
	return store_digest(cpu, insn, NPHIE_BIT, cpu->hashkeyr);
}

SEM(hashchk)
{
	return check_digest(cpu, insn, NPHIE_BIT, cpu->hashkeyr);
}

/* HASHPKEYR is the hypervisor's, which leaves it zero. */
SEM(hashstp)
{
	return store_digest(cpu, insn, PHIE_BIT, 0);
}

SEM(hashchkp)
{
	return check_digest(cpu, insn, PHIE_BIT, 0);
}
