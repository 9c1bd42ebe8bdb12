/* SPDX-License-Identifier: BSD-2-Clause */
/* Bits of the machine state register. Power ISA 3.0B, Book III, "Machine State Register". */
#ifndef FWNMI_ISA_MSR_H
#define FWNMI_ISA_MSR_H

#define MSR_SF	(1ull << 63)
#define MSR_HV	(1ull << 60)
#define MSR_VEC (1ull << 25)
#define MSR_VSX (1ull << 23)
#define MSR_EE	(1ull << 15)
#define MSR_PR	(1ull << 14)
#define MSR_FP	(1ull << 13)
#define MSR_ME	(1ull << 12)
#define MSR_FE0 (1ull << 11)
#define MSR_SE	(1ull << 10)
#define MSR_BE	(1ull << 9)
#define MSR_FE1 (1ull << 8)
#define MSR_IR	(1ull << 5)
#define MSR_DR	(1ull << 4)
#define MSR_PMM (1ull << 2)
#define MSR_RI	(1ull << 1)
#define MSR_LE	(1ull << 0)

#endif
