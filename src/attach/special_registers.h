/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Special purpose registers of a vCPU. QEMU's stub gives them by name. The stub of QEMU 7.2
 * silently ignores reads and writes on any vCPU but the first; there the vCPU itself executes mfspr
 * or mtspr. Hypervisor calls work the same way and are here too.
 */
#ifndef FWNMI_ATTACH_SPECIAL_REGISTERS_H
#define FWNMI_ATTACH_SPECIAL_REGISTERS_H

#include "attach/guest.h"
#include "isa/spr.h"

/**
 * remote_spr_read(), remote_spr_write() - access a register of any vCPU that is not halted
 *
 * @spr: SPR_SRR0, SPR_SRR1, SPR_SPRG1 or SPR_PVR
 *
 * If the stub does not give it, an instruction is placed in a gap of the RTAS area, which must be
 * known, and executed there. Everything else is restored afterwards.
 */
bool remote_spr_read(struct guest *guest, unsigned cpu, unsigned spr, uint64_t *value);
bool remote_spr_write(struct guest *guest, unsigned cpu, unsigned spr, uint64_t value);

/**
 * remote_prod() - end the H_CEDE of vCPU @target by an H_PROD from @cpu, which must not be halted
 */
bool remote_prod(struct guest *guest, unsigned cpu, unsigned target);

#endif
