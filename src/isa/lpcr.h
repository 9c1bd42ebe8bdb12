/* SPDX-License-Identifier: BSD-2-Clause */
/* Bits of the logical partitioning control register. Power ISA 3.0B, Book III, section 2.2. */
#ifndef FWNMI_ISA_LPCR_H
#define FWNMI_ISA_LPCR_H

#define LPCR_AIL   0x01800000ull
#define LPCR_AIL_3 0x01800000ull
#define LPCR_ILE   0x02000000ull

#endif
