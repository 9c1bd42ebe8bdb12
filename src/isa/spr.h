/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Numbers of special purpose registers, as mfspr and mtspr encode them. Power ISA 3.0B, Book III,
 * "Move To/From System Register Instructions", and 3.1. Performance monitor registers have two
 * numbers: the second, _USER, is for problem state.
 */
#ifndef FWNMI_ISA_SPR_H
#define FWNMI_ISA_SPR_H

#define SPR_XER		1
#define SPR_DSCR_USER	3
#define SPR_LR		8
#define SPR_CTR		9
#define SPR_AMR_USER	13
#define SPR_DSCR	17
#define SPR_DSISR	18
#define SPR_DAR		19
#define SPR_DEC		22
#define SPR_SRR0	26
#define SPR_SRR1	27
#define SPR_CFAR	28
#define SPR_AMR		29
#define SPR_PIDR	48
#define SPR_IAMR	61
#define SPR_CTRL_READ	136
#define SPR_TIDR	144
#define SPR_CTRL	152
#define SPR_FSCR	153
#define SPR_UAMOR	157
#define SPR_PSPB	159
#define SPR_DPDES	176
#define SPR_VRSAVE	256
#define SPR_SPRG3_USER	259
#define SPR_TB		268
#define SPR_TBU		269
#define SPR_SPRG0	272
#define SPR_SPRG1	273
#define SPR_SPRG2	274
#define SPR_SPRG3	275
#define SPR_PVR		287
#define SPR_SPURR	308
#define SPR_PURR	309
#define SPR_TIR		446
#define SPR_HDEXCR_USER 455
#define SPR_HASHKEYR	468
#define SPR_SIER2_USER	736
#define SPR_SIER3_USER	737
#define SPR_MMCR3_USER	738
#define SPR_SIER2	752
#define SPR_SIER3	753
#define SPR_MMCR3	754
#define SPR_SIER_USER	768
#define SPR_MMCR2_USER	769
#define SPR_MMCRA_USER	770
#define SPR_PMC1_USER	771
#define SPR_PMC2_USER	772
#define SPR_PMC3_USER	773
#define SPR_PMC4_USER	774
#define SPR_PMC5_USER	775
#define SPR_PMC6_USER	776
#define SPR_MMCR0_USER	779
#define SPR_SIAR_USER	780
#define SPR_SDAR_USER	781
#define SPR_MMCR1_USER	782
#define SPR_SIER	784
#define SPR_MMCR2	785
#define SPR_MMCRA	786
#define SPR_PMC1	787
#define SPR_PMC2	788
#define SPR_PMC3	789
#define SPR_PMC4	790
#define SPR_PMC5	791
#define SPR_PMC6	792
#define SPR_MMCR0	795
#define SPR_SIAR	796
#define SPR_SDAR	797
#define SPR_MMCR1	798
#define SPR_BESCRS	800
#define SPR_BESCRSU	801
#define SPR_BESCRR	802
#define SPR_BESCRRU	803
#define SPR_EBBHR	804
#define SPR_EBBRR	805
#define SPR_BESCR	806
#define SPR_RESERVED	808 /* to 811: no-operations, for later use as hints */
#define SPR_DEXCR_USER	812
#define SPR_TAR		815
#define SPR_PSSCR	823
#define SPR_DEXCR	828
#define SPR_IC		848
#define SPR_VTB		849
#define SPR_WORT	895
#define SPR_PPR		896
#define SPR_PPR32	898
#define SPR_PIR		1023

#define WORT_BITS 0x3ffffull /* that WORT has */

/* Numbers with this bit are privileged. */
#define SPR_PRIVILEGED 0x10

#define NR_SPRS 1024

#endif
