/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The micro-operations. Operands d, a, b are byte offsets into struct cpu; imm is 64 bits. The
 * bodies are in interpreter.c; decode.c translates instructions to them. UOP(name): a body;
 * ENDING(name): ends a block.
 */
#ifndef FWNMI_ENGINE_EMU_UOP_UOP_H
#define FWNMI_ENGINE_EMU_UOP_UOP_H

#include "engine/emu/cpu.h"

/*
 * Executes one micro-operation and, by tail call, those after it. Returns NULL when the run loop
 * has work.
 */
typedef const struct uop *uop_fn(struct cpu *cpu, const struct uop *u);
struct uop {
	uop_fn *fn;
	uint64_t imm;
	uint16_t d, a, b; /* byte offsets into struct cpu */
	uint8_t kind; /* enum uop_kind: body or one of the block ends */
	uint8_t index; /* of the instruction in its block */
};

/* clang-format off */
/* name_le, name_be: the guest's byte order at decode time. */
#define MEMORY_UOPS(UOP) \
	UOP(lbz) UOP(lbzx) UOP(stb) UOP(stbx) \
	UOP(lhz_le) UOP(lha_le) UOP(lwz_le) UOP(lwa_le) UOP(ld_le) \
	UOP(lhzx_le) UOP(lhax_le) UOP(lwzx_le) UOP(lwax_le) UOP(ldx_le) \
	UOP(sth_le) UOP(stw_le) UOP(std_le) UOP(sthx_le) UOP(stwx_le) UOP(stdx_le) \
	UOP(lhz_be) UOP(lha_be) UOP(lwz_be) UOP(lwa_be) UOP(ld_be) \
	UOP(lhzx_be) UOP(lhax_be) UOP(lwzx_be) UOP(lwax_be) UOP(ldx_be) \
	UOP(sth_be) UOP(stw_be) UOP(std_be) UOP(sthx_be) UOP(stwx_be) UOP(stdx_be)

#define BODY_UOPS(UOP) \
	MEMORY_UOPS(UOP) \
	UOP(call) UOP(call_priv) UOP(call_fp) UOP(call_vec) UOP(call_vsx) \
	UOP(li) UOP(mr) UOP(pc) UOP(add) UOP(addi) UOP(subf) UOP(neg) \
	UOP(addc) UOP(addic) UOP(adde) UOP(addei) UOP(subfc) UOP(subfic) UOP(subfe) UOP(subfei) \
	UOP(mulli) UOP(mulld) UOP(mullw) UOP(mulhdu) UOP(divdu) UOP(divd) UOP(divwu) UOP(divw) \
	UOP(and) UOP(or) UOP(xor) UOP(nand) UOP(nor) \
	UOP(eqv) UOP(andc) UOP(orc) UOP(andi) UOP(ori) UOP(xori) \
	UOP(extsb) UOP(extsh) UOP(extsw) UOP(cntlzd) UOP(cntlzw) \
	UOP(sldi) UOP(srdi) UOP(rotw_and) UOP(rotw_insert) UOP(rotd_and) UOP(rotd_insert) \
	UOP(slw) UOP(srw) UOP(sld) UOP(srd) UOP(sraw) UOP(srad) UOP(srawi) UOP(sradi) \
	UOP(cmpd) UOP(cmpld) UOP(cmpw) UOP(cmplw) UOP(cmpdi) UOP(cmpldi) UOP(cmpwi) UOP(cmplwi) \
	UOP(record) UOP(record32) UOP(carry32) UOP(isel) UOP(setbc) UOP(mfspr) UOP(mtspr) \
	UOP(condition) UOP(dec_ctr) UOP(priority) UOP(relax)

#define ENDING_UOPS(UOP) \
	UOP(b_in) UOP(b_out) \
	UOP(bc_set_in) UOP(bc_set_out) UOP(bc_clear_in) UOP(bc_clear_out) \
	UOP(bc_nz_in) UOP(bc_nz_out) UOP(bc_z_in) UOP(bc_z_out) \
	UOP(br) UOP(br_nz) UOP(br_set) UOP(br_clear) \
	UOP(cmpdi_bc_set_in) UOP(cmpdi_bc_clear_in) UOP(cmpwi_bc_set_in) UOP(cmpwi_bc_clear_in) \
	UOP(cmpldi_bc_set_in) UOP(cmpldi_bc_clear_in) \
	UOP(cmplwi_bc_set_in) UOP(cmplwi_bc_clear_in) \
	UOP(cmpd_bc_set_in) UOP(cmpd_bc_clear_in) UOP(cmpw_bc_set_in) UOP(cmpw_bc_clear_in) \
	UOP(cmpld_bc_set_in) UOP(cmpld_bc_clear_in) UOP(cmplw_bc_set_in) UOP(cmplw_bc_clear_in) \
	UOP(fall_in) UOP(fall_out) UOP(leave) UOP(leave_nip) UOP(illegal)
/* clang-format on */

#define UOP_DECLARE(name) uop_fn uop_##name;
BODY_UOPS(UOP_DECLARE)
ENDING_UOPS(UOP_DECLARE)
uop_fn uop_trailer;
#undef UOP_DECLARE

#define UOP_ENUM(name) UOP_##name,
enum uop_kind {
	BODY_UOPS(UOP_ENUM) UOP_FIRST_ENDING,
	ENDING_UOPS(UOP_ENUM) UOP_link,
	UOP_trailer
};
#undef UOP_ENUM

#endif
