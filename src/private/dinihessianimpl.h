/* Second derivatives: what they are made of; a part of diniimpl.h. */
#pragma once
#include <dini.h>

/* First-order products, differenced centrally along (du, dm) at the step that their curvature allows */
#define DINI_SECOND_PARTS 4
typedef struct {
  PetscErrorCode (*evaluate)(Dini, Vec products[], void *ctx); /* where the object is, at the point or beside it */
  void     *ctx;
  PetscBool matrices; /* J and F_m are read */
  PetscInt  n;
  Vec      *value;                       /* n derivatives */
  PetscReal h, apart;                    /* their step, and how far two steps are apart, relative */
  PetscReal terms;                       /* norm of those that cancel in each product; 0: none do */
  PetscReal error;                       /* relative, as the curvature within the step and two steps tell */
  PetscReal rounding[DINI_SECOND_PARTS]; /* of each derivative, norm */
  PetscReal size[DINI_SECOND_PARTS];     /* of what is differenced */
  PetscReal noise[DINI_SECOND_PARTS];    /* in it, relative */
  PetscBool serves;
} DiniSecondDifference;

/* The Hessian of the reduced objective: what it is made from, and the adjoint state it belongs to */
typedef struct {
  DiniHessianType         type;
  PetscReal               blend, step;
  PetscReal               rtol; /* of the linear solves in a product at this point, where an optimiser needs no more */
  DiniObjectiveHessianFn *objective;
  void                   *objectivectx;
  DiniResidualHessianFn  *residual;
  void                   *residualctx;
  Mat                     H, prior;     /* H knows the Dini by a plain pointer */
  Vec                     lambda, dJdu; /* J^H lambda = dJ/du */
  PetscReal               left;         /* relative error that the solve for lambda has left */
  PetscInt64              point;        /* where lambda belongs */
  PetscBool               objectiveguarded, residualguarded;
} DiniHessian;

DINI_INTERN PetscErrorCode DiniHessianReset_Private(Dini);
DINI_INTERN PetscErrorCode DiniHessianOf_Private(Dini, Vec dJdu);
DINI_INTERN PetscErrorCode DiniHessianSetFromOptions_Private(Dini, DiniOptionItems);
