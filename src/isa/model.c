/* SPDX-License-Identifier: BSD-2-Clause */
/* The processors; see model.h. */
#include <stddef.h>
#include <strings.h>

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

/*
 * ibm,pa-features: LoPAR table "Definition for attribute-specifier, type 0", which ends at byte 23.
 * Bytes from 24 on are numbered as in POWER9 firmware, those from 64 on as in POWER10's: QEMU's
 * spapr_dt_pa_features() names them. Absent are transactional memory (byte 22), a decrementer of
 * more than 32 bits (24), external event-based branches (34, bit 1), and stop (42).
 */
#define PA_BYTE(n)	  [2 + (n)]
#define PA_HEADER(length) [0] = (length)
/*
 * ISA 2.07: MMU, FPU, CTRL[RUN], no-execute; frin friz frip frim, SPRG3 for problem state; data
 * streams 2.05, PPR, data streams 2.02 and 2.06; DSCR's LSD and URG; little-endian, elemental
 * barriers, lq/stq, but no CFAR; data streams 2.07; vector 2.07; vector-scalar 2.07; vector
 * cryptography.
 */
#define PA_ISA_2_07                                                                   \
	PA_BYTE(0) = 0xd2, PA_BYTE(1) = 0x14, PA_BYTE(2) = 0x47, PA_BYTE(3) = 0xc0,   \
	PA_BYTE(5) = 0xb0, PA_BYTE(6) = 0x80, PA_BYTE(16) = 0x80, PA_BYTE(18) = 0x80, \
	PA_BYTE(20) = 0x80
/*
 * ISA 3.0: 64-bit arithmetic; performance monitor; atomic accesses in little-endian mode;
 * event-based branches; copy and paste; radix; addresses relative to NIP; scv; SIMD 3.0;
 * quad-precision floating point; string operations; decimal floating point; decimal integer; vector
 * SHA; atomic memory operations; random numbers.
 */
#define PA_ISA_3_0                                                                           \
	PA_ISA_2_07, PA_BYTE(26) = 0x80, PA_BYTE(28) = 0x80, PA_BYTE(32) = 0x80,             \
		     PA_BYTE(34) = 0x80, PA_BYTE(38) = 0x80, [PA_FEATURES_RADIX] = PA_RADIX, \
		     PA_BYTE(44) = 0x80, PA_BYTE(46) = 0x80, PA_BYTE(48) = 0x80,             \
		     PA_BYTE(50) = 0x80, PA_BYTE(52) = 0x80, PA_BYTE(54) = 0x80,             \
		     PA_BYTE(56) = 0x80, PA_BYTE(58) = 0x80, PA_BYTE(60) = 0x80,             \
		     PA_BYTE(62) = 0x80

/*
 * ISA 3.1: DAWR1; of DEXCR's aspects those of digests, NPHIE and PHIE; hashst, hashchk and their
 * privileged forms. The other aspects are about speculation.
 */
#define PA_ISA_3_1 \
	PA_ISA_3_0, [PA_FEATURES_DAWR1] = PA_DAWR1, PA_BYTE(68) = 0x06, PA_BYTE(72) = 0x80

/* Unlike its successors POWER8 has no bits of their own for bad real addresses. */
#define POWER8                                                            \
	.logical_pvr = 0x0f000004, .isa = 207, .unbacked = UNCORRECTABLE, \
	.uncorrectable = UNCORRECTABLE, CACHED_TRANSLATIONS,              \
	.pa_features = {                                                  \
		PA_HEADER(24),                                            \
		PA_ISA_2_07,                                              \
	}

#define POWER9                                                               \
	.logical_pvr = 0x0f000005, .isa = 300, .unbacked = BAD_REAL_ADDRESS, \
	.uncorrectable = UNCORRECTABLE, CACHED_TRANSLATIONS,                 \
	.pa_features = {                                                     \
		PA_HEADER(64),                                               \
		PA_ISA_3_0,                                                  \
	}

#define POWER10(logical)                                                    \
	.logical_pvr = (logical), .isa = 310, .unbacked = BAD_REAL_ADDRESS, \
	.uncorrectable = UNCORRECTABLE, CACHED_TRANSLATIONS,                \
	.pa_features = {                                                    \
		PA_HEADER(74),                                              \
		PA_ISA_3_1,                                                 \
	}

const struct cpu_model cpu_model_power8 = {
	.name = "POWER8",
	.type = "power8_v2.0",
	.alias = "power8",
	.pvr = PVR(FWNMI_PVR_POWER8, 0x0200),
	POWER8,
};

static const struct cpu_model power8e = {
	.name = "POWER8E",
	.type = "power8e_v2.1",
	.alias = "power8e",
	.pvr = PVR(FWNMI_PVR_POWER8E, 0x0201),
	POWER8,
};

static const struct cpu_model power8nvl = {
	.name = "POWER8NVL",
	.type = "power8nvl_v1.0",
	.alias = "power8nvl",
	.pvr = PVR(FWNMI_PVR_POWER8NVL, 0x0100),
	POWER8,
};

/* Bit 51 of PVR, 0x1000: a core of four threads. */
static const struct cpu_model power9_v2_0 = {
	.name = "POWER9",
	.type = "power9_v2.0",
	.pvr = PVR(FWNMI_PVR_POWER9, 0x1200),
	POWER9,
};

const struct cpu_model cpu_model_power9 = {
	.name = "POWER9",
	.type = "power9_v2.2",
	.alias = "power9",
	.pvr = PVR(FWNMI_PVR_POWER9, 0x1202),
	POWER9,
};

const struct cpu_model cpu_model_power10 = {
	.name = "POWER10",
	.type = "power10_v2.0",
	.alias = "power10",
	.pvr = PVR(FWNMI_PVR_POWER10, 0x1200),
	POWER10(0x0f000006),
};

const struct cpu_model cpu_model_power11 = {
	.name = "POWER11",
	.type = "power11_v2.0",
	.alias = "power11",
	.pvr = PVR(FWNMI_PVR_POWER11, 0x1200),
	POWER10(0x0f000007),
};

/* Of the rows of one version, the first is what cpu_model_of() knows it by. */
static const struct cpu_model *const models[] = {
	&cpu_model_power8, &power8e,	       &power8nvl,	   &cpu_model_power9,
	&power9_v2_0,	   &cpu_model_power10, &cpu_model_power11,
};

#define NR_MODELS (sizeof(models) / sizeof(models[0]))

const struct cpu_model *cpu_model_number(unsigned i)
{
	return i < NR_MODELS ? models[i] : NULL;
}

const struct cpu_model *cpu_model_named(const char *name)
{
	for (size_t i = 0; i < NR_MODELS; i++)
		if (!strcasecmp(models[i]->type, name) ||
		    (models[i]->alias && !strcasecmp(models[i]->alias, name)))
			return models[i];
	return NULL;
}

const struct cpu_model *cpu_model_with_pvr(uint32_t pvr)
{
	for (size_t i = 0; i < NR_MODELS; i++)
		if (models[i]->pvr == pvr)
			return models[i];
	return NULL;
}

const struct cpu_model *cpu_model_with_logical_pvr(uint32_t logical_pvr)
{
	for (size_t i = 0; i < NR_MODELS; i++)
		if (models[i]->logical_pvr == logical_pvr)
			return models[i];
	return NULL;
}

const struct cpu_model *cpu_model_of(uint32_t pvr)
{
	const struct cpu_model *like = &cpu_model_power9;

	for (size_t i = NR_MODELS; i--;) {
		if (fwnmi_mce_processor(models[i]->pvr) == fwnmi_mce_processor(pvr))
			like = models[i];
	}
	for (size_t i = NR_MODELS; i--;) {
		if (models[i]->pvr >> 16 == pvr >> 16)
			like = models[i];
	}
	return like;
}

bool cpu_model_has_radix(const struct cpu_model *model)
{
	return model->pa_features[PA_FEATURES_RADIX] & PA_RADIX;
}

bool cpu_model_has_dawr1(const struct cpu_model *model)
{
	return model->pa_features[PA_FEATURES_DAWR1] & PA_DAWR1;
}
