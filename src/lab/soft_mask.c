/* SPDX-License-Identifier: BSD-2-Clause */
/* The soft mask's place; see soft_mask.h. */
#include "lab/soft_mask.h"

#define SETTER	      "arch_local_irq_restore" /* its first store to the PACA sets the mask */
#define SETTER_WORDS  32
#define STB_TO_R13    0x980d0000u /* stb rS,d(r13) */
#define OPCODE_AND_RA 0xfc1f0000u

unsigned soft_mask_offset(const struct symbols *symbols)
{
	uint8_t code[4 * SETTER_WORDS];
	uint64_t address;

	if (!symbols || !symbols_find(symbols, SETTER, &address) ||
	    !symbols_read(symbols, address, code, sizeof(code)))
		return SOFT_MASK_UNKNOWN;
	for (const uint8_t *b = code; b < code + sizeof(code); b += 4) {
		uint32_t word = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 |
				b[3];

		if (symbols_little_endian(symbols))
			word = __builtin_bswap32(word);
		if ((word & OPCODE_AND_RA) == STB_TO_R13)
			return word & 0x7fff;
	}
	return SOFT_MASK_UNKNOWN;
}
