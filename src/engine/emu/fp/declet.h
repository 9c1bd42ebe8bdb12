/* SPDX-License-Identifier: BSD-2-Clause */
/* Densely packed decimals: a declet has three digits in ten bits. Power ISA 3.0B, appendix B. */
#ifndef FWNMI_ENGINE_EMU_FP_DECLET_H
#define FWNMI_ENGINE_EMU_FP_DECLET_H

/* The digits are those of a binary-coded decimal. */
unsigned declet_to_bcd(unsigned declet);
unsigned bcd_to_declet(unsigned digits);

#endif
