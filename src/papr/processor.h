/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whose machine check bits an engine's vCPUs have: from their processor version register to libfwnmi's tables.
 */
#ifndef FWNMI_PAPR_PROCESSOR_H
#define FWNMI_PAPR_PROCESSOR_H

#include "engine/engine.h"
#include "fwnmi/mce.h"

static inline enum fwnmi_processor processor_of(const struct engine_ops *ops, const struct engine *engine)
{
	switch ((ops->pvr ? ops->pvr(engine) : 0) >> 16) {
	case 0x4b: /* POWER8E, POWER8NVL, POWER8 */
	case 0x4c:
	case 0x4d:
		return FWNMI_PROCESSOR_POWER8;
	case 0x80: /* POWER10; POWER11 has the same bits */
	case 0x82:
		return FWNMI_PROCESSOR_POWER10;
	default:
		return FWNMI_PROCESSOR_POWER9;
	}
}

#endif
