/* SPDX-License-Identifier: BSD-2-Clause */
/* The processors; see model.h. */
#include <stddef.h>

#include <fwnmi/mce.h>

#include "isa/model.h"

#define PVR(version, revision) ((uint32_t)(version) << 16 | (revision))

#define UNCORRECTABLE                                  \
	{                                              \
		0x00040000, 0x00180000, 0x8000, 0x4000 \
	}
#define BAD_REAL_ADDRESS                           \
	{                                          \
		0x080c0000, 0x08100000, 0x40, 0x20 \
	}
#define CACHED_TRANSLATIONS                                                            \
	.erat_multihit = { 0x00100000, 0x800 }, .tlb_multihit = { 0x00140000, 0x400 }, \
	.slb_multihit = { 0x000c0000, 0x80 }, .slb_parity = { 0x00080000, 0x100 }

/* Unlike its successors POWER8 has no bits of their own for bad real addresses. */
const struct cpu_model cpu_model_power8 = {
	.name = "POWER8",
	.pvr = PVR(FWNMI_PVR_POWER8, 0),
	.logical_pvr = 0x0f000004,
	.isa = 207,
	.unbacked = UNCORRECTABLE,
	.uncorrectable = UNCORRECTABLE,
	CACHED_TRANSLATIONS,
};

/*
 * ibm,pa-features: LoPAR table "Definition for attribute-specifier, type 0". Bytes from 24 on are
 * numbered as in POWER9 firmware.
 */
#define PA_BYTE(n) [2 + (n)]

const struct cpu_model cpu_model_power9 = {
	.name = "POWER9",
	.pvr = PVR(FWNMI_PVR_POWER9, 0x1202), /* DD2.2 */
	.logical_pvr = 0x0f000005,
	.isa = 300,
	.unbacked = BAD_REAL_ADDRESS,
	.uncorrectable = UNCORRECTABLE,
	CACHED_TRANSLATIONS,
	.pa_features = {
		[0] = PA_FEATURES_SIZE - 2,
		PA_BYTE(0) = 0x80 | 0x40 | 0x10 | 0x02, /* MMU, FPU, CTRL[RUN], no-execute */
		PA_BYTE(1) = 0x10 | 0x04, /* frin friz frip frim; SPRG3 for problem state */
		/* data streams 2.05, PPR, data streams 2.02, 2.06 */
		PA_BYTE(2) = 0x40 | 0x04 | 0x02 | 0x01,
		PA_BYTE(3) = 0x80 | 0x40, /* DSCR: LSD, URG */
		/* little-endian, elemental barriers, lq/stq; no CFAR */
		PA_BYTE(5) = 0x80 | 0x20 | 0x10,
		PA_BYTE(6) = 0x80, /* data streams 2.07 */
		PA_BYTE(16) = 0x80, /* vector 2.07 */
		PA_BYTE(18) = 0x80, /* vector-scalar 2.07 */
		PA_BYTE(20) = 0x80, /* vector cryptography */
		PA_BYTE(22) = 0x00, /* no transactional memory */
		PA_BYTE(36) = 0x80, /* SPR SO */
		[PA_FEATURES_RADIX] = PA_RADIX,
		PA_BYTE(46) = 0x80, /* scv */
		PA_BYTE(48) = 0x80, /* SIMD 3.0 */
		PA_BYTE(50) = 0x80, /* quad-precision floating point */
		PA_BYTE(52) = 0x80, /* string operations */
		PA_BYTE(54) = 0x00, /* no decimal floating point */
		PA_BYTE(56) = 0x80, /* decimal integer */
		PA_BYTE(58) = 0x80, /* vector SHA */
		PA_BYTE(60) = 0x80, /* atomic memory operations */
	},
};

const struct cpu_model cpu_model_power10 = {
	.name = "POWER10",
	.pvr = PVR(FWNMI_PVR_POWER10, 0),
	.logical_pvr = 0x0f000006,
	.isa = 310,
	.unbacked = BAD_REAL_ADDRESS,
	.uncorrectable = UNCORRECTABLE,
	CACHED_TRANSLATIONS,
};

const struct cpu_model cpu_model_power11 = {
	.name = "POWER11",
	.pvr = PVR(FWNMI_PVR_POWER11, 0),
	.logical_pvr = 0x0f000007,
	.isa = 310,
	.unbacked = BAD_REAL_ADDRESS,
	.uncorrectable = UNCORRECTABLE,
	CACHED_TRANSLATIONS,
};

const struct cpu_model *cpu_model_of(uint32_t pvr)
{
	static const struct cpu_model *const models[] = { &cpu_model_power8, &cpu_model_power9,
							  &cpu_model_power10, &cpu_model_power11 };
	const struct cpu_model *like = &cpu_model_power9;

	for (size_t i = sizeof(models) / sizeof(models[0]); i--;) {
		if (models[i]->pvr >> 16 == pvr >> 16)
			return models[i];
		if (fwnmi_mce_processor(models[i]->pvr) == fwnmi_mce_processor(pvr))
			like = models[i];
	}
	return like;
}
