/* J and F_m in each field and component by itself, row by row, as the guards ask: src/point/diniguardparts.c. */
#include "../private/dinicheckimpl.h"
#include "../private/diniguardimpl.h"

#define PARTS_LOOSE 1e-8 /* what differences miss of the terms of a row */

static PetscErrorCode DiniCheckPartsVerdict(Dini dini, DiniChecking *check, const DiniSlope *slope, const char what[],
                                            const char each[], const char name[])
{
  const PetscBool wrong = (PetscBool)(slope->part >= 0);
  char            line[256];

  PetscFunctionBegin;
  PetscCall(PetscSNPrintf(line, sizeof(line), "%s, each %s alone, against differences of F, relative error %.1e%s%s",
                          what, each, (double)PetscMax(slope->wrong, slope->seen), wrong ? ", in " : "",
                          wrong ? name : ""));
  PetscCall(DiniCheckVerdict_Private(dini, check, wrong ? DINI_VERDICT_WRONG : DINI_VERDICT_OK, line));
  PetscFunctionReturn(PETSC_SUCCESS);
}

static PetscErrorCode DiniCheckFields(Dini dini, DiniChecking *check, Mat J, const DiniParts *parts)
{
  DiniSlope slope;
  char      name[80] = "";

  PetscFunctionBegin;
  PetscCall(DiniGuardFields_Private(dini, J, dini->source.used == DINI_JACOBIAN_GIVEN ? 0.0 : PARTS_LOOSE, &slope));
  if (slope.part >= 0) PetscCall(DiniPartName_Private(dini, parts, slope.part, name, sizeof(name)));
  PetscCall(DiniCheckPartsVerdict(dini, check, &slope, "J v", "field of v", name));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Nothing for a state of one field */
PetscErrorCode DiniCheckFields_Private(Dini dini, DiniChecking *check, Mat J)
{
  DiniParts parts;

  PetscFunctionBegin;
  PetscCall(DiniPartsOfState_Private(dini, J, &parts));
  if (parts.n > 1 && dini->source.used != DINI_JACOBIAN_MF) PetscCall(DiniCheckFields(dini, check, J, &parts));
  PetscCall(DiniPartsDestroy_Private(&parts));
  PetscFunctionReturn(PETSC_SUCCESS);
}

/* Nothing for a block of one component */
PetscErrorCode DiniCheckComponents_Private(Dini dini, DiniChecking *check, PetscInt p)
{
  DiniParameter par = dini->params[p];
  DiniSlope     slope;
  char          name[80], what[160];
  Mat           Fm;

  PetscFunctionBegin;
  PetscCall(DiniGetParameterJacobian(dini, p, &Fm));
  PetscCall(DiniCompareComponents_Private(dini, par, &slope, name, sizeof(name)));
  if (!name[0]) PetscFunctionReturn(PETSC_SUCCESS);
  PetscCall(PetscSNPrintf(what, sizeof(what), "F_m dm of \"%s\"", par->name));
  PetscCall(DiniCheckPartsVerdict(dini, check, &slope, what, "part of dm", name));
  PetscFunctionReturn(PETSC_SUCCESS);
}
