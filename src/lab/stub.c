#include <stdio.h>
#include "lab/evidence.h"
#include "lab/verdict.h"
json_t *lab_evidence_json(const struct lab_case *c, const struct lab_observation *seen){ return json_pack("{s:s}","console",seen->console);}
void lab_judge(const struct lab_case *c, const struct lab_observation *seen, struct lab_judgement *j)
{ *j=(struct lab_judgement){.verdict=seen->end==LAB_END_DONE?LAB_RECOVERED:seen->end==LAB_END_MACHINE?LAB_PANIC:seen->end==LAB_END_UNREACHED?LAB_NOT_REACHED:LAB_HANG,.passed=seen->end!=LAB_END_BOUND}; snprintf(j->why,sizeof j->why,"%s",seen->why);}
