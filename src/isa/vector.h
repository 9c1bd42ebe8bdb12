/* SPDX-License-Identifier: BSD-2-Clause */
/* Interrupt vectors. Power ISA 3.0B, Book III, "Interrupt Definitions". */
#ifndef FWNMI_ISA_VECTOR_H
#define FWNMI_ISA_VECTOR_H

#define VECTOR_SYSTEM_RESET	    0x100
#define VECTOR_MACHINE_CHECK	    0x200
#define VECTOR_DATA_STORAGE	    0x300
#define VECTOR_DATA_SEGMENT	    0x380
#define VECTOR_INSTRUCTION_STORAGE  0x400
#define VECTOR_INSTRUCTION_SEGMENT  0x480
#define VECTOR_EXTERNAL		    0x500
#define VECTOR_ALIGNMENT	    0x600
#define VECTOR_PROGRAM		    0x700
#define VECTOR_FP_UNAVAILABLE	    0x800
#define VECTOR_DECREMENTER	    0x900
#define VECTOR_DOORBELL		    0xa00 /* directed privileged */
#define VECTOR_SYSTEM_CALL	    0xc00
#define VECTOR_TRACE		    0xd00
#define VECTOR_PERFORMANCE_MONITOR  0xf00
#define VECTOR_VEC_UNAVAILABLE	    0xf20
#define VECTOR_VSX_UNAVAILABLE	    0xf40
#define VECTOR_FACILITY_UNAVAILABLE 0xf60
#define VECTOR_SCV		    0x17000 /* level 0; the others follow, 0x20 apart */

#endif
