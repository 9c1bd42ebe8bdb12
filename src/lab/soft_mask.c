/* SPDX-License-Identifier: BSD-2-Clause */
/* The soft mask's place; see soft_mask.h. */
#include "base/elf_file.h"
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
		const uint32_t word = elf_file_word(symbols_little_endian(symbols), b);

		if ((word & OPCODE_AND_RA) == STB_TO_R13)
			return word & 0x7fff;
	}
	return SOFT_MASK_UNKNOWN;
}
